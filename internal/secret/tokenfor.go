package secret

// NewTokenFor makes a secret that leads to the row of an id of NewID, which is there already: of the same form as those of NewToken,
// read by ParseToken, with 256 random bits after the id. Who makes another for the same id and keeps only its Digest has ended the
// one before.
func NewTokenFor(prefix, id string) string {
	var room [96]byte
	b := append(room[:0], prefix...)
	b = append(b, '_')
	b = append(b, id...)
	b = appendRandom(b, bodyLen)
	return string(appendCheck(b))
}
