package main

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

const (
	tileHeight = 8
	tileWidth  = 1 << tileHeight
	// x/mod's arithmetic does not end for sizes near 2^63; no log of ours comes near this bound.
	sizeMax       = 1 << 40
	vkeyBytesMax  = 4 << 10
	noteBytesMax  = 64 << 10
	entryBytesMax = 1<<16 - 1
)

// A publishedLog is a directory of files. Its checkpoint is verified when it is opened, the rest by its check methods.
type publishedLog struct {
	folder string
	origin string
	tree   tlog.Tree
	tiles  map[tlog.Tile][]byte // as published
	// made holds the tree made anew from the entries, in the order of tlog.StoredHashIndex.
	made    storedHashes
	entries int64
}

// openLog reads log.vkey and the checkpoint that it must have signed.
func openLog(folder string) (*publishedLog, error) {
	log := &publishedLog{folder: folder, tiles: map[tlog.Tile][]byte{}}
	vkey, err := log.read("log.vkey", vkeyBytesMax)
	if err != nil {
		return nil, err
	}
	verifier, err := note.NewVerifier(strings.TrimSuffix(string(vkey), "\n"))
	if err != nil {
		return nil, fmt.Errorf("log.vkey: %w", err)
	}
	signed, err := log.read("checkpoint", noteBytesMax)
	if err != nil {
		return nil, err
	}
	opened, err := note.Open(signed, note.VerifierList(verifier))
	if err != nil {
		return nil, fmt.Errorf("checkpoint: %w", err)
	}
	origin, claim, _ := strings.Cut(opened.Text, "\n")
	if origin != verifier.Name() {
		return nil, fmt.Errorf("checkpoint: its origin %q is not the key's name %q", origin, verifier.Name())
	}
	if strings.Count(claim, "\n") != 2 {
		return nil, errors.New("checkpoint: it has other lines than origin, size and root")
	}
	// A C2SP checkpoint is x/mod's tree head with the log's origin in place of a fixed first line.
	tree, err := tlog.ParseTree([]byte("go.sum database tree\n" + claim))
	if err != nil {
		return nil, fmt.Errorf("checkpoint: %w", err)
	}
	if tree.N > sizeMax {
		return nil, fmt.Errorf("checkpoint: size %d is more than this reader takes", tree.N)
	}
	// RFC 6962's empty tree; x/mod itself gives it a root of zeros, and its TileHashReader cannot read it.
	if tree.N == 0 && tree.Hash != sha256.Sum256(nil) {
		return nil, errors.New("checkpoint: the root of no entries is not the hash of nothing")
	}
	log.origin, log.tree = origin, tree
	return log, nil
}

// read returns a whole regular file of bounded length.
func (log *publishedLog) read(name string, bytesMax int) ([]byte, error) {
	path := filepath.Join(log.folder, filepath.FromSlash(name))
	info, err := os.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%s: not a file", name)
	}
	file, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	defer file.Close()
	content, err := io.ReadAll(io.LimitReader(file, int64(bytesMax)+1))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	if len(content) > bytesMax {
		return nil, fmt.Errorf("%s: more than %d bytes", name, bytesMax)
	}
	return content, nil
}

// tilePath is C2SP's tile/<L>/<N>[.p/<W>]: x/mod's path without its height.
func tilePath(tile tlog.Tile) string {
	return strings.Replace(tile.Path(), fmt.Sprintf("tile/%d/", tile.H), "tile/", 1)
}

// bundlePath is C2SP's tile/entries/<N>[.p/<W>]: what x/mod calls the data tile.
func bundlePath(number int64, width int) string {
	data := tlog.Tile{H: tileHeight, L: -1, N: number, W: width}
	return strings.Replace(tilePath(data), "tile/data/", "tile/entries/", 1)
}

// Height, ReadTiles and SaveTiles make the log a tlog.TileReader.
func (log *publishedLog) Height() int { return tileHeight }

// ReadTiles reads tiles as they are published; the caller must not trust them.
func (log *publishedLog) ReadTiles(tiles []tlog.Tile) ([][]byte, error) {
	contents := make([][]byte, 0, len(tiles))
	for _, tile := range tiles {
		content, known := log.tiles[tile]
		if !known {
			var err error
			if content, err = log.read(tilePath(tile), tile.W*tlog.HashSize); err != nil {
				return nil, err
			}
			if len(content) != tile.W*tlog.HashSize {
				return nil, fmt.Errorf("%s: %d bytes are not %d hashes", tilePath(tile), len(content), tile.W)
			}
			log.tiles[tile] = content
		}
		contents = append(contents, content)
	}
	return contents, nil
}

// SaveTiles keeps nothing: x/mod calls it with tiles that it did not authenticate, too (see checkEntries).
func (log *publishedLog) SaveTiles([]tlog.Tile, [][]byte) {}
