// Command crosscheck is a second implementation of the v2 envelope, written from schemas/README.md on Go's own
// crypto/hpke. It reads one JSON request a line on stdin and answers one JSON object a line on stdout:
//
//	{"op": "public", "seed": B64}                                       -> {"public": B64}
//	{"op": "seal", "context": B64, "recipients": [B64...], "value": B64}  -> {"text": "v2:..."}
//	{"op": "open", "context": B64, "seed": B64, "text": "v2:..."}         -> {"value": B64} or {"refused": LAYER}
//
// LAYER is parse, bind, recipient or open, as in tests/vectors.
package main

import (
	"bufio"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/hpke"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
)

type request struct {
	Op         string   `json:"op"`
	Seed       []byte   `json:"seed"`
	Context    []byte   `json:"context"`
	Recipients [][]byte `json:"recipients"`
	Value      []byte   `json:"value"`
	Text       string   `json:"text"`
}

type answer struct {
	Public  []byte  `json:"public,omitempty"`
	Text    string  `json:"text,omitempty"`
	Value   *[]byte `json:"value,omitempty"`
	Refused string  `json:"refused,omitempty"`
	Error   string  `json:"error,omitempty"`
}

const (
	fixed  = 2 + 8 + 1
	wrap   = 1120 + 32 + 16
	block  = 64
	tag    = 16
	macLen = 32
	limit  = 1 << 20
)

var (
	errParse     = errors.New("parse")
	errBind      = errors.New("bind")
	errRecipient = errors.New("recipient")
	errOpen      = errors.New("open")
)

func main() {
	in := bufio.NewScanner(os.Stdin)
	in.Buffer(make([]byte, 1<<20), 1<<26)
	out := json.NewEncoder(os.Stdout)
	for in.Scan() {
		var r request
		if err := json.Unmarshal(in.Bytes(), &r); err != nil {
			fatal(out.Encode(answer{Error: err.Error()}))
			continue
		}
		fatal(out.Encode(handle(r)))
	}
	fatal(in.Err())
}

func fatal(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "crosscheck:", err)
		os.Exit(1)
	}
}

func handle(r request) answer {
	switch r.Op {
	case "public":
		key, err := hpke.MLKEM768X25519().NewPrivateKey(r.Seed)
		if err != nil {
			return answer{Error: err.Error()}
		}
		return answer{Public: key.PublicKey().Bytes()}
	case "seal":
		text, err := seal(r.Value, r.Context, r.Recipients)
		if err != nil {
			return answer{Error: err.Error()}
		}
		return answer{Text: text}
	case "open":
		value, err := open(r.Text, r.Context, r.Seed)
		if err != nil {
			return answer{Refused: err.Error()}
		}
		return answer{Value: &value}
	}
	return answer{Error: "unknown op"}
}

func id(public []byte) []byte {
	sum := sha256.Sum256(public)
	return sum[:8]
}

func derive(key, salt []byte, info string) []byte {
	out, err := hkdf.Key(sha256.New, key, salt, info, 32)
	fatal(err)
	return out
}

func gcm(key []byte) cipher.AEAD {
	b, err := aes.NewCipher(key)
	fatal(err)
	a, err := cipher.NewGCM(b)
	fatal(err)
	return a
}

func sum(key []byte, parts ...[]byte) []byte {
	h := hmac.New(sha256.New, key)
	for _, part := range parts {
		h.Write(part)
	}
	return h.Sum(nil)
}

func seal(value, context []byte, recipients [][]byte) (string, error) {
	slices.SortFunc(recipients, func(a, b []byte) int { return slices.Compare(id(a), id(b)) })
	content := make([]byte, 32)
	if _, err := rand.Read(content); err != nil {
		return "", err
	}
	header := slices.Concat([]byte{2, 1}, id(context), []byte{byte(len(recipients))})
	for _, raw := range recipients {
		key, err := hpke.MLKEM768X25519().NewPublicKey(raw)
		if err != nil {
			return "", err
		}
		message, err := hpke.Seal(key, hpke.HKDFSHA256(), hpke.AES256GCM(), context, content)
		if err != nil {
			return "", err
		}
		header = slices.Concat(header, id(raw), message)
	}
	mac := sum(derive(content, nil, "sealer/v2 mac"), header, context)
	padded := binary.BigEndian.AppendUint32(nil, uint32(len(value)))
	padded = append(padded, value...)
	padded = append(padded, make([]byte, (block-len(padded)%block)%block)...)
	body := gcm(derive(content, mac, "sealer/v2 body")).Seal(nil, make([]byte, 12), padded, nil)
	return "v2:" + base64.StdEncoding.EncodeToString(slices.Concat(header, mac, body)), nil
}

func open(text string, context, seed []byte) ([]byte, error) {
	encoded, found := strings.CutPrefix(text, "v2:")
	if !found || strings.ContainsAny(encoded, "\r\n") {
		return nil, errParse
	}
	blob, err := base64.StdEncoding.Strict().DecodeString(encoded)
	if err != nil || len(blob) < fixed || blob[0] != 2 || blob[1] != 1 {
		return nil, errParse
	}
	n := int(blob[10])
	end := fixed + n*(8+wrap)
	rest := len(blob) - end - macLen
	if n < 1 || n > 32 || rest < block+tag || (rest-tag)%block != 0 || rest-tag > 4+limit+block {
		return nil, errParse
	}
	header, mac, body := blob[:end], blob[end:end+macLen], blob[end+macLen:]
	for i := 1; i < n; i++ {
		at := fixed + i*(8+wrap)
		if slices.Compare(header[at-8-wrap:at-wrap], header[at:at+8]) >= 0 {
			return nil, errParse
		}
	}
	if !slices.Equal(header[2:10], id(context)) {
		return nil, errBind
	}
	private, err := hpke.MLKEM768X25519().NewPrivateKey(seed)
	if err != nil {
		return nil, err
	}
	own := id(private.PublicKey().Bytes())
	for i := range n {
		at := fixed + i*(8+wrap)
		if slices.Equal(header[at:at+8], own) {
			return unwrap(header, mac, body, context, private, header[at+8:at+8+wrap])
		}
	}
	return nil, errRecipient
}

func unwrap(header, mac, body, context []byte, private hpke.PrivateKey, message []byte) ([]byte, error) {
	content, err := hpke.Open(private, hpke.HKDFSHA256(), hpke.AES256GCM(), context, message)
	if err != nil || len(content) != 32 || !hmac.Equal(mac, sum(derive(content, nil, "sealer/v2 mac"), header, context)) {
		return nil, errOpen
	}
	padded, err := gcm(derive(content, mac, "sealer/v2 body")).Open(nil, make([]byte, 12), body, nil)
	if err != nil {
		return nil, errOpen
	}
	size := int(binary.BigEndian.Uint32(padded))
	if size > len(padded)-4 || len(padded)-4-size >= block {
		return nil, errOpen
	}
	for _, b := range padded[4+size:] {
		if b != 0 {
			return nil, errOpen
		}
	}
	return padded[4 : 4+size], nil
}
