// Applies expressions as a Collector's processors do, with Go's own regexp: one JSON request on standard input, one
// JSON answer on standard output.
//
// "replace" is what replace_pattern does (ReplaceAllString for each expression), "mask" what the redaction processor
// does (every match becomes ****), "matches" says for each expression which texts it matches.
package main

import (
	"encoding/json"
	"fmt"
	"os"
	"regexp"
)

type request struct {
	Patterns    []string `json:"patterns"`
	Replacement string   `json:"replacement"`
	Texts       []string `json:"texts"`
}

type answer struct {
	Replaced []string `json:"replaced"`
	Masked   []string `json:"masked"`
	Matches  [][]bool `json:"matches"`
}

func fail(err error) {
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}

func main() {
	var asked request
	if err := json.NewDecoder(os.Stdin).Decode(&asked); err != nil {
		fail(err)
	}
	told := answer{Replaced: append([]string{}, asked.Texts...), Masked: append([]string{}, asked.Texts...)}
	for _, pattern := range asked.Patterns {
		compiled, err := regexp.Compile(pattern)
		if err != nil {
			fail(err)
		}
		matches := make([]bool, len(asked.Texts))
		for at, text := range asked.Texts {
			matches[at] = compiled.MatchString(text)
			told.Replaced[at] = compiled.ReplaceAllString(told.Replaced[at], asked.Replacement)
			told.Masked[at] = compiled.ReplaceAllStringFunc(told.Masked[at], func(string) string { return "****" })
		}
		told.Matches = append(told.Matches, matches)
	}
	if err := json.NewEncoder(os.Stdout).Encode(told); err != nil {
		fail(err)
	}
}
