// Command go_ed25519 judges Ed25519 keys and signatures by the strict rule of docs/spec/envelope.md, with Go's own library.
//
// Each line of its input is "key signature message" in hex (a dash where there are no bytes); each line of its output has two
// letters: whether the key may be enrolled, and whether the signature holds under it ("y" or "n"). It shares no code with holdgate.
package main

import (
	"bufio"
	"bytes"
	"crypto/ed25519"
	"encoding/hex"
	"fmt"
	"math/big"
	"os"
	"strings"
)

var (
	prime, _ = new(big.Int).SetString("7fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffed", 16)
	order, _ = new(big.Int).SetString("1000000000000000000000000000000014def9dea2f79cd65812631a5cf5d3ed", 16)
	one      = big.NewInt(1)
	curveD   = mod(mul(big.NewInt(-121665), inverse(big.NewInt(121666))))
)

// A point (x/z, y/z) of the curve -x² + y² = 1 + d x² y², with t = xy/z.
type point struct{ x, y, z, t *big.Int }

func mod(a *big.Int) *big.Int     { return new(big.Int).Mod(a, prime) }
func mul(a, b *big.Int) *big.Int  { return mod(new(big.Int).Mul(a, b)) }
func add(a, b *big.Int) *big.Int  { return mod(new(big.Int).Add(a, b)) }
func sub(a, b *big.Int) *big.Int  { return mod(new(big.Int).Sub(a, b)) }
func inverse(a *big.Int) *big.Int { return new(big.Int).ModInverse(mod(a), prime) }

func littleEndian(raw []byte) *big.Int {
	turned := make([]byte, len(raw))
	for at, value := range raw {
		turned[len(raw)-1-at] = value
	}
	return new(big.Int).SetBytes(turned)
}

// decode reads a point in its one canonical encoding (RFC 8032, 5.1.3).
func decode(raw []byte) (point, bool) {
	plain := append([]byte(nil), raw...)
	sign := uint(plain[31] >> 7)
	plain[31] &= 0x7f
	y := littleEndian(plain)
	if y.Cmp(prime) >= 0 {
		return point{}, false
	}
	square := mul(y, y)
	x := new(big.Int).ModSqrt(mul(sub(square, one), inverse(add(mul(curveD, square), one))), prime)
	if x == nil || (x.Sign() == 0 && sign == 1) {
		return point{}, false
	}
	if x.Bit(0) != sign {
		x = sub(prime, x)
	}
	return point{x, y, one, mul(x, y)}, true
}

// plus adds two points in extended coordinates (RFC 8032, 5.1.4).
func (p point) plus(q point) point {
	a, b := mul(sub(p.y, p.x), sub(q.y, q.x)), mul(add(p.y, p.x), add(q.y, q.x))
	c, d := mul(mul(add(p.t, p.t), q.t), curveD), mul(add(p.z, p.z), q.z)
	e, f, g, h := sub(b, a), sub(d, c), add(d, c), add(b, a)
	return point{mul(e, f), mul(g, h), mul(f, g), mul(e, h)}
}

func (p point) times(n *big.Int) point {
	sum := point{big.NewInt(0), one, one, big.NewInt(0)}
	for at := n.BitLen() - 1; at >= 0; at-- {
		sum = sum.plus(sum)
		if n.Bit(at) == 1 {
			sum = sum.plus(p)
		}
	}
	return sum
}

func (p point) isZero() bool { return p.x.Sign() == 0 && p.y.Cmp(p.z) == 0 }

// small tells whether bytes encode a point of small order, in whatever way: eight times such a point is nothing.
func small(raw []byte) bool {
	plain := append([]byte(nil), raw...)
	plain[31] &= 0x7f
	y := mod(littleEndian(plain))
	square := mul(y, y)
	x := new(big.Int).ModSqrt(mul(sub(square, one), inverse(add(mul(curveD, square), one))), prime)
	return x != nil && point{x, y, one, mul(x, y)}.times(big.NewInt(8)).isZero()
}

var enrollables = map[string]bool{}

func enrollable(key []byte) bool {
	if len(key) != ed25519.PublicKeySize {
		return false
	}
	known, seen := enrollables[string(key)]
	if !seen {
		read, ok := decode(key)
		known = ok && !read.isZero() && read.times(order).isZero()
		enrollables[string(key)] = known
	}
	return known
}

func holds(key, signature, message []byte) bool {
	if len(key) != ed25519.PublicKeySize || len(signature) != ed25519.SignatureSize {
		return false
	}
	if _, canonical := decode(key); !canonical || small(key) || small(signature[:32]) {
		return false
	}
	if littleEndian(signature[32:]).Cmp(order) >= 0 {
		return false
	}
	return ed25519.Verify(key, message, signature)
}

func bytesOf(text string) []byte {
	raw, err := hex.DecodeString(strings.TrimPrefix(text, "-"))
	if err != nil {
		panic(err)
	}
	return raw
}

func main() {
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(nil, 1<<20)
	var said bytes.Buffer
	letter := map[bool]string{true: "y", false: "n"}
	for lines.Scan() {
		words := strings.Fields(lines.Text())
		key, signature, message := bytesOf(words[0]), bytesOf(words[1]), bytesOf(words[2])
		fmt.Fprintf(&said, "%s%s\n", letter[enrollable(key)], letter[holds(key, signature, message)])
	}
	if _, err := os.Stdout.Write(said.Bytes()); err != nil || lines.Err() != nil {
		os.Exit(1)
	}
}
