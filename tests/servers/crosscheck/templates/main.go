// Command templates renders templates as Bitnami's controller does: Go's own text/template with Sprig's generic
// functions, less those that read the environment or the network. It reads one JSON request a line on stdin and answers
// one JSON object a line on stdout:
//
//	{"op": "names"}                                             -> {"names": [...]}
//	{"op": "render", "name": N, "template": T, "data": {K: B64}}  -> {"value": B64} or {"refused": TEXT}
//	{"op": "time", ..., "times": N}                             -> {"nanoseconds": N} of N renders, parsed once
package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"sort"
	"text/template"
	"time"

	"github.com/Masterminds/sprig/v3"
)

type request struct {
	Op       string            `json:"op"`
	Name     string            `json:"name"`
	Template string            `json:"template"`
	Data     map[string][]byte `json:"data"`
	Times    int               `json:"times"`
}

type answer struct {
	Value       *[]byte  `json:"value,omitempty"`
	Refused     string   `json:"refused,omitempty"`
	Names       []string `json:"names,omitempty"`
	Nanoseconds int64    `json:"nanoseconds,omitempty"`
}

// Those of text/template itself, which it has no list of.
var builtins = []string{
	"and", "call", "eq", "ge", "gt", "html", "index", "js", "le", "len", "lt", "ne", "not", "or", "print", "printf",
	"println", "urlquery",
}

func main() {
	functions := sprig.GenericFuncMap()
	for _, name := range []string{"env", "expandenv", "getHostByName"} {
		delete(functions, name)
	}
	in := bufio.NewScanner(os.Stdin)
	in.Buffer(make([]byte, 1<<20), 1<<26)
	out := json.NewEncoder(os.Stdout)
	for in.Scan() {
		var r request
		if err := json.Unmarshal(in.Bytes(), &r); err != nil {
			fmt.Fprintln(os.Stderr, "templates:", err)
			os.Exit(1)
		}
		if err := out.Encode(handle(r, functions)); err != nil {
			os.Exit(1)
		}
	}
}

func handle(r request, functions template.FuncMap) (result answer) {
	defer func() {
		if panicked := recover(); panicked != nil {
			result = answer{Refused: fmt.Sprint("panic: ", panicked)}
		}
	}()
	if r.Op == "names" {
		names := append([]string{}, builtins...)
		for name := range functions {
			names = append(names, name)
		}
		sort.Strings(names)
		return answer{Names: names}
	}
	parsed, err := template.New(r.Name).Funcs(functions).Parse(r.Template)
	if err != nil {
		return answer{Refused: err.Error()}
	}
	values := map[string]string{}
	for key, value := range r.Data {
		values[key] = string(value)
	}
	if r.Op == "time" {
		return timed(parsed, values, r.Times)
	}
	out := bytes.NewBuffer([]byte{})
	if err := parsed.Execute(out, values); err != nil {
		return answer{Refused: err.Error()}
	}
	value := out.Bytes()
	return answer{Value: &value}
}

func timed(parsed *template.Template, values map[string]string, times int) answer {
	start := time.Now()
	for range times {
		var out bytes.Buffer
		if err := parsed.Execute(&out, values); err != nil {
			return answer{Refused: err.Error()}
		}
	}
	return answer{Nanoseconds: time.Since(start).Nanoseconds()}
}
