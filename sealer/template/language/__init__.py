"""The template language: text to tokens, tokens to a tree, a tree to closures (Go's text/template)."""
