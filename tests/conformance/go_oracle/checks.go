package main

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"

	"golang.org/x/mod/sumdb/tlog"
)

// storedHashes is a tree in memory.
type storedHashes []tlog.Hash

func (stored storedHashes) ReadHashes(indexes []int64) ([]tlog.Hash, error) {
	hashes := make([]tlog.Hash, 0, len(indexes))
	for _, index := range indexes {
		if index < 0 || index >= int64(len(stored)) {
			return nil, fmt.Errorf("there is no stored hash %d", index)
		}
		hashes = append(hashes, stored[index])
	}
	return hashes, nil
}

// eachTile visits every hash tile that a log of this size has, level by level.
func (log *publishedLog) eachTile(visit func(tlog.Tile) error) error {
	for level := 0; log.tree.N>>(tileHeight*level) > 0; level++ {
		hashes := log.tree.N >> (tileHeight * level)
		for number := int64(0); number*tileWidth < hashes; number++ {
			tile := tlog.Tile{H: tileHeight, L: level, N: number, W: width(hashes, number)}
			if err := visit(tile); err != nil {
				return err
			}
		}
	}
	return nil
}

func width(items, number int64) int {
	if left := items - number*tileWidth; left < tileWidth {
		return int(left)
	}
	return tileWidth
}

// checkTiles reads every hash tile through tlog.TileHashReader, under the checkpoint's root.
func (log *publishedLog) checkTiles() error {
	reader := tlog.TileHashReader(log.tree, log)
	return log.eachTile(func(tile tlog.Tile) error {
		if _, err := tlog.ReadTileData(tile, reader); err != nil {
			return fmt.Errorf("reading %s: %w", tilePath(tile), err)
		}
		return nil
	})
}

// checkEntries reads every entry, makes the whole tree anew from them, and compares it with root and tiles.
//
// This is more than a repetition of checkTiles. TileHashReader (x/mod 0.7.0) authenticates the tiles of a call from
// number len(stx) on; but it lists a tile of the right border once, however many of the stx subtrees lie in it. The
// next tiles of the list then pass without a check: a lone read of tile/0/000 does at most sizes.
func (log *publishedLog) checkEntries() error {
	for number := int64(0); number*tileWidth < log.tree.N; number++ {
		if err := log.checkBundle(number, width(log.tree.N, number)); err != nil {
			return err
		}
	}
	if log.tree.N == 0 {
		return nil
	}
	root, err := tlog.TreeHash(log.tree.N, log.made)
	if err != nil {
		return err
	}
	if root != log.tree.Hash {
		return fmt.Errorf("the entries lead to the root %s, the checkpoint says %s", root, log.tree.Hash)
	}
	return log.eachTile(func(tile tlog.Tile) error {
		made, err := tlog.ReadTileData(tile, log.made)
		if err != nil {
			return err
		}
		if !bytes.Equal(made, log.tiles[tile]) {
			return fmt.Errorf("%s does not follow from the entries", tilePath(tile))
		}
		return nil
	})
}

func (log *publishedLog) checkBundle(number int64, width int) error {
	name := bundlePath(number, width)
	rest, err := log.read(name, width*(2+entryBytesMax))
	if err != nil {
		return err
	}
	leaves := log.tiles[tlog.Tile{H: tileHeight, L: 0, N: number, W: width}]
	for place := 0; place < width; place++ {
		index := number*tileWidth + int64(place)
		if len(rest) < 2 || len(rest)-2 < int(binary.BigEndian.Uint16(rest)) {
			return fmt.Errorf("%s ends within entry %d", name, index)
		}
		end := 2 + int(binary.BigEndian.Uint16(rest))
		leaf := tlog.RecordHash(rest[2:end])
		rest = rest[end:]
		if !bytes.Equal(leaf[:], leaves[place*tlog.HashSize:(place+1)*tlog.HashSize]) {
			return fmt.Errorf("entry %d is not the one whose hash stands in its tile", index)
		}
		hashes, err := tlog.StoredHashesForRecordHash(index, leaf, log.made)
		if err != nil {
			return err
		}
		log.made = append(log.made, hashes...)
		log.entries++
	}
	if len(rest) > 0 {
		return fmt.Errorf("%s holds %d bytes after its entries", name, len(rest))
	}
	return nil
}

// prove makes the inclusion path of one entry from the published tiles and checks it. Only after checkEntries.
func (log *publishedLog) prove(index int64) (record, error) {
	if index < 0 || index >= log.tree.N {
		return record{}, errors.New("no such entry")
	}
	leaf := log.made[tlog.StoredHashIndex(0, index)]
	path, err := tlog.ProveRecord(log.tree.N, index, tlog.TileHashReader(log.tree, log))
	if err != nil {
		return record{}, err
	}
	if err := tlog.CheckRecord(path, log.tree.N, log.tree.Hash, index, leaf); err != nil {
		return record{}, err
	}
	return record{Index: index, Leaf: spell(leaf), Path: spellAll(path)}, nil
}

// precede proves that the log continues the tree over its first entries. Only after checkEntries.
func (log *publishedLog) precede(size int64) (precursor, error) {
	if size < 1 || size > log.tree.N {
		return precursor{}, errors.New("no such size")
	}
	root, err := tlog.TreeHash(size, log.made)
	if err != nil {
		return precursor{}, err
	}
	path, err := tlog.ProveTree(log.tree.N, size, tlog.TileHashReader(log.tree, log))
	if err != nil {
		return precursor{}, err
	}
	if err := tlog.CheckTree(path, log.tree.N, log.tree.Hash, size, root); err != nil {
		return precursor{}, err
	}
	return precursor{Size: size, Root: spell(root), Path: spellAll(path)}, nil
}
