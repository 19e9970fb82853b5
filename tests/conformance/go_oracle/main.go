// Command go_oracle reads one exported log (checkpoint, tile/…, log.vkey) with golang.org/x/mod and says whether it
// holds.
//
//	go_oracle [-index 0,5 | -index all] [-old 1,256] DIR
//
// It prints one JSON object: {ok: true, origin, size, root, entries, tiles, records, consistency} and exits 0,
// or {ok: false, error} and exits 1. Nothing of the log is trusted but log.vkey. It shares no code with holdgate.
package main

import (
	"encoding/hex"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/tlog"
)

type answer struct {
	OK          bool        `json:"ok"`
	Origin      string      `json:"origin"`
	Size        int64       `json:"size"`
	Root        string      `json:"root"`
	Entries     int64       `json:"entries"`
	Tiles       int         `json:"tiles"`
	Records     []record    `json:"records"`
	Consistency []precursor `json:"consistency"`
}

// A record is an entry with its inclusion path, from the leaf up.
type record struct {
	Index int64    `json:"index"`
	Leaf  string   `json:"leaf"`
	Path  []string `json:"path"`
}

// A precursor is the tree over the first entries, with the proof that the log continues it.
type precursor struct {
	Size int64    `json:"size"`
	Root string   `json:"root"`
	Path []string `json:"path"`
}

type refusal struct {
	OK    bool   `json:"ok"`
	Error string `json:"error"`
}

func main() {
	os.Exit(tell(os.Args[1:], os.Stdout))
}

func tell(arguments []string, out io.Writer) int {
	said, err := run(arguments)
	writer := json.NewEncoder(out)
	writer.SetEscapeHTML(false)
	if err != nil {
		_ = writer.Encode(refusal{Error: err.Error()})
		return 1
	}
	if err := writer.Encode(said); err != nil {
		return 1
	}
	return 0
}

// run does the whole reading. x/mod panics on arithmetic it holds impossible; that becomes an error that says so, and
// the test objects to any.
func run(arguments []string) (said *answer, err error) {
	defer func() {
		if cause := recover(); cause != nil {
			said, err = nil, fmt.Errorf("panic: %v", cause)
		}
	}()
	flags := flag.NewFlagSet("go_oracle", flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	wanted := flags.String("index", "", "entries to prove, or all")
	before := flags.String("old", "", "earlier sizes to prove consistent")
	if err := flags.Parse(arguments); err != nil {
		return nil, err
	}
	if flags.NArg() != 1 {
		return nil, errors.New("one directory is wanted")
	}
	log, err := openLog(flags.Arg(0))
	if err != nil {
		return nil, err
	}
	if err := log.checkTiles(); err != nil {
		return nil, err
	}
	if err := log.checkEntries(); err != nil {
		return nil, err
	}
	said = &answer{
		OK: true, Origin: log.origin, Size: log.tree.N, Root: spell(log.tree.Hash), Entries: log.entries,
		Tiles: len(log.tiles), Records: []record{}, Consistency: []precursor{},
	}
	indexes, err := numbers(*wanted, log.tree.N)
	if err != nil {
		return nil, err
	}
	for _, index := range indexes {
		proven, err := log.prove(index)
		if err != nil {
			return nil, fmt.Errorf("entry %d: %w", index, err)
		}
		said.Records = append(said.Records, proven)
	}
	sizes, err := numbers(*before, log.tree.N)
	if err != nil {
		return nil, err
	}
	for _, size := range sizes {
		proven, err := log.precede(size)
		if err != nil {
			return nil, fmt.Errorf("consistency with size %d: %w", size, err)
		}
		said.Consistency = append(said.Consistency, proven)
	}
	return said, nil
}

// numbers reads "1,2,3"; "all" are those below the bound.
func numbers(text string, bound int64) ([]int64, error) {
	var found []int64
	if text == "all" {
		for number := int64(0); number < bound; number++ {
			found = append(found, number)
		}
		return found, nil
	}
	for _, part := range strings.Split(text, ",") {
		if part == "" {
			continue
		}
		number, err := strconv.ParseInt(part, 10, 64)
		if err != nil {
			return nil, err
		}
		found = append(found, number)
	}
	return found, nil
}

func spell(hash tlog.Hash) string {
	return hex.EncodeToString(hash[:])
}

func spellAll(hashes []tlog.Hash) []string {
	spelled := make([]string, 0, len(hashes))
	for _, hash := range hashes {
		spelled = append(spelled, spell(hash))
	}
	return spelled
}
