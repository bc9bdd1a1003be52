package registry

import (
	"encoding/binary"
	"reflect"
	"strings"
	"sync/atomic"
	"time"
)

// A hundred thousand clients may be remembered. The garbage collector follows each pointer of each of them, again and again, and the
// processor waits for each place in memory that it has to go to; a client as it is used has a dozen of both. So a client is remembered
// as what it has in common with others and as a text of what is its own, and put together when it is asked for, for a third of a
// microsecond.

// texts are a client's own texts.
func (c *Client) texts() (texts [4 + 2*MaxLiveSecrets]*string, n int) {
	texts[0], texts[1], texts[2], texts[3] = &c.Name, &c.Description, &c.CreatedBy, &c.UpdatedBy
	for i := range c.Credentials {
		texts[4+2*i], texts[5+2*i] = &c.Credentials[i].ID, (*string)(&c.Credentials[i].Hash)
	}
	return texts, 4 + 2*len(c.Credentials)
}

// times are a client's own times.
func (c *Client) times() (times [4 + 3*MaxLiveSecrets]*time.Time, n int) {
	times[0], times[1], times[2], times[3] = &c.Created, &c.Updated, &c.Expires.Time, &c.NotBefore
	for i := range c.Credentials {
		times[4+3*i], times[5+3*i], times[6+3*i] = &c.Credentials[i].Created, &c.Credentials[i].Expires, &c.Credentials[i].Before
	}
	return times, 4 + 3*len(c.Credentials)
}

// pack takes a client apart. Its own are: the revision (8 bytes), how many secrets, which of them are imported or replaced (a byte each);
// the times (seconds and nanoseconds, 8 bytes each); the texts (each after its length, 2 bytes). A client that would not come out as it
// went in, because clients have got something new of their own or it has more of something than others, is its own like, and takes more
// room.
func (c *Client) pack(known *likes) (*Client, string) {
	if len(c.Credentials) > MaxLiveSecrets {
		return c, ""
	}
	own := append(binary.LittleEndian.AppendUint64(make([]byte, 0, 512), c.Rev), byte(len(c.Credentials)), 0)
	for i := range c.Credentials {
		if c.Credentials[i].Imported {
			own[9] |= 1 << i
		}
		if c.Credentials[i].Replaced {
			own[9] |= 1 << (i + MaxLiveSecrets)
		}
	}
	times, n := c.times()
	for _, t := range times[:n] {
		*t = t.UTC() // another zone would be a pointer
		own = binary.LittleEndian.AppendUint64(own, uint64(t.Unix()))
		own = binary.LittleEndian.AppendUint64(own, uint64(t.Nanosecond()))
	}
	texts, n := c.texts()
	for _, t := range texts[:n] {
		own = append(binary.LittleEndian.AppendUint16(own, uint16(min(len(*t), longestOwn))), *t...)
	}
	like, text := known.of(c), string(own)
	if len(text) > longestOwn || !reflect.DeepEqual(like.unpack(c.ID, text, make([]atomic.Int64, MaxLiveSecrets)), c) {
		return c, ""
	}
	return like, text
}

// unpack puts a client together.
func (like *Client) unpack(id, own string, marks []atomic.Int64) *Client {
	if own == "" {
		return like
	}
	c := new(Client)
	*c = *like
	c.ID = strings.Clone(id) // which some keep, and it is a part of something large
	if like.Credentials != nil {
		c.Credentials = make([]Credential, own[8])
	}
	for i := range c.Credentials {
		c.Credentials[i].Imported, c.Credentials[i].Replaced = own[9]&(1<<i) != 0, own[9]&(1<<(i+MaxLiveSecrets)) != 0
		c.Credentials[i].used = &marks[i]
	}
	c.Rev, own = number(own), own[10:]
	times, n := c.times()
	for _, t := range times[:n] {
		*t = time.Unix(int64(number(own)), int64(number(own[8:]))).UTC()
		own = own[16:]
	}
	texts, n := c.texts()
	for _, t := range texts[:n] {
		end := 2 + int(own[0]) + int(own[1])<<8
		*t, own = own[2:end], own[end:]
	}
	return c
}

// number reads eight bytes, as package binary does from what is not a string.
func number(s string) uint64 {
	return uint64(s[0]) | uint64(s[1])<<8 | uint64(s[2])<<16 | uint64(s[3])<<24 |
		uint64(s[4])<<32 | uint64(s[5])<<40 | uint64(s[6])<<48 | uint64(s[7])<<56
}

// A user's password is worth a thousand look-ups: users are remembered as they are.
func (u *User) pack(*likes) (*User, string)                { return u, "" }
func (u *User) unpack(_, _ string, _ []atomic.Int64) *User { return u }

// likes are clients without anything of their own, by tenant and scope: what has been seen to be common. It may forget, and then
// what clients have in common is kept once more.
type likes map[name][]*Client

// Bounds of likes: tenants with scopes, and of each. Most tenants hand out a handful of scopes.
const maxScopes, maxLikes = 1000, 16

// of returns what a client has in common with others.
func (l *likes) of(c *Client) *Client {
	like := *c
	like.ID, like.Name, like.Description, like.CreatedBy, like.UpdatedBy = "", "", "", "", ""
	like.Rev, like.Expires, like.NotBefore, like.Created, like.Updated = 0, Until{}, time.Time{}, time.Time{}, time.Time{}
	if like.Credentials != nil {
		like.Credentials = []Credential{}
	}
	key := name{c.Tenant, c.Scope}
	for _, k := range (*l)[key] {
		if reflect.DeepEqual(k, &like) {
			return k
		}
	}
	if *l == nil || len(*l) >= maxScopes {
		*l = likes{}
	}
	if len((*l)[key]) >= maxLikes {
		(*l)[key] = nil
	}
	(*l)[key] = append((*l)[key], &like)
	return &like
}
