package secret

import (
	"crypto/rand"
	"encoding/binary"
	"hash/crc32"
	"math/bits"
)

// alphabet is base62 in ASCII order, so that the byte order of equally long numbers is their numeric order.
const alphabet = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

const (
	bodyLen  = 43 // 62^43 > 2^256
	checkLen = 6  // 62^6 > 2^32
)

// appendRandom appends n random characters, each of the 62 equally likely. Bytes of 248 and more are drawn again: taking them
// modulo 62 would favour the first eight characters.
func appendRandom(dst []byte, n int) []byte {
	var pool [64]byte
	want := len(dst) + n
	for len(dst) < want {
		// One byte in 32 is refused; an eighth more and eight to spare make a second draw a matter of 2^-40.
		missing := want - len(dst)
		draw := pool[:min(len(pool), missing+missing/8+8)]
		rand.Read(draw) // never fails: crypto/rand ends the process rather than return bad bytes
		for _, b := range draw {
			if b < 248 && len(dst) < want {
				dst = append(dst, alphabet[b%62])
			}
		}
	}
	return dst
}

// appendNumber appends v as exactly n digits, and the largest such number when v needs more.
func appendNumber(dst []byte, v uint64, n int) []byte {
	start := len(dst)
	for range n {
		dst = append(dst, '0')
	}
	for i := len(dst) - 1; i >= start; i-- {
		dst[i] = alphabet[v%62]
		v /= 62
	}
	if v != 0 {
		for i := start; i < len(dst); i++ {
			dst[i] = 'z'
		}
	}
	return dst
}

// number reads what appendNumber wrote. It takes at most ten digits, which cannot overflow.
func number(s string) (uint64, bool) {
	var v uint64
	for i := range len(s) {
		d := digit(s[i])
		if d < 0 {
			return 0, false
		}
		v = v*62 + uint64(d)
	}
	return v, true
}

func digit(c byte) int {
	switch {
	case '0' <= c && c <= '9':
		return int(c - '0')
	case 'A' <= c && c <= 'Z':
		return int(c-'A') + 10
	case 'a' <= c && c <= 'z':
		return int(c-'a') + 36
	}
	return -1
}

// appendWide appends the 256-bit number in sum as 43 digits. No two sums share a spelling, so nothing of them is lost.
func appendWide(dst []byte, sum [32]byte) []byte {
	const ten = 839299365868340224 // 62^10, the largest power that fits a word
	var limb [4]uint64
	for i := range limb {
		limb[i] = binary.BigEndian.Uint64(sum[8*i:])
	}
	var chunk [5]uint64 // least significant first
	for i := range chunk {
		var rest uint64
		for j := range limb {
			limb[j], rest = bits.Div64(rest, limb[j], ten)
		}
		chunk[i] = rest
	}
	dst = appendNumber(dst, chunk[4], bodyLen-40)
	for i := 3; i >= 0; i-- {
		dst = appendNumber(dst, chunk[i], 10)
	}
	return dst
}

// appendCheck appends the checksum of everything in dst.
func appendCheck(dst []byte) []byte {
	return appendNumber(dst, uint64(checksum(dst)), checkLen)
}

// checksum is crc32.ChecksumIEEE without its allocation: there, text would have to be copied to the heap.
func checksum[T string | []byte](text T) uint32 {
	crc := ^uint32(0)
	for i := range len(text) {
		crc = crc32.IEEETable[byte(crc)^text[i]] ^ crc>>8
	}
	return ^crc
}

// checked reports whether text is prefix, underscore, n characters of base62 and the right checksum, and nothing else.
func checked(text, prefix string, n int) bool {
	if len(text) != len(prefix)+1+n+checkLen || text[:len(prefix)] != prefix || text[len(prefix)] != '_' {
		return false
	}
	for i := len(prefix) + 1; i < len(text); i++ {
		if digit(text[i]) < 0 {
			return false
		}
	}
	cut := len(text) - checkLen
	sum, _ := number(text[cut:])
	return sum == uint64(checksum(text[:cut]))
}
