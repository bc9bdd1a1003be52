package main

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// listenAddress is where a listener is: host:port, or a unix socket, written unix:/PATH, which a proxy on the same machine connects to. Whoever
// may open the socket is believed about whom they call for, so its mode says who that is.
type listenAddress struct {
	network string // tcp or unix
	at      string // host:port, or the path of the socket
	mode    fs.FileMode
}

const (
	socketMark  = "unix:"
	modeMark    = ",mode="
	ownMode     = 0o600 // the user that serves, and nobody else
	longestPath = 103   // bytes that every system has room for
)

// parseAddress reads an address of the settings.
func parseAddress(text string) (listenAddress, error) {
	path, socket := strings.CutPrefix(text, socketMark)
	if !socket {
		if _, _, err := net.SplitHostPort(text); err != nil {
			return listenAddress{}, fmt.Errorf("an address is host:port, like 127.0.0.1:8080, not %q", text)
		}
		return listenAddress{network: "tcp", at: text}, nil
	}
	a := listenAddress{"unix", path, ownMode}
	if i := strings.LastIndex(path, modeMark); i >= 0 {
		mode, err := strconv.ParseUint(path[i+len(modeMark):], 8, 32)
		if err != nil || mode > 0o777 {
			return listenAddress{}, fmt.Errorf("the mode of a socket is like 0660, not %q", path[i+len(modeMark):])
		}
		if mode&0o002 != 0 {
			return listenAddress{}, errors.New("whoever may open the socket is believed about whom they call for, so not everybody may: give mode=0660 and a group")
		}
		a.at, a.mode = path[:i], fs.FileMode(mode)
	}
	if !filepath.IsAbs(a.at) || len(a.at) > longestPath {
		return listenAddress{}, fmt.Errorf("a unix socket is like unix:/run/tokenbooth/public.sock, a path from / on of at most %d bytes, not %q", longestPath, a.at)
	}
	return a, nil
}

// listen opens a listener. That of a socket removes its file when it is closed.
func (a listenAddress) listen() (net.Listener, error) {
	if a.network == "tcp" {
		return net.Listen(a.network, a.at)
	}
	defer tryFolder(filepath.Dir(a.at))() // of two who start at once, one finds the other
	if err := a.clear(); err != nil {
		return nil, err
	}
	l, err := privately(func() (net.Listener, error) { return net.Listen(a.network, a.at) })
	if err != nil {
		return nil, err
	}
	if err := os.Chmod(a.at, a.mode); err != nil {
		return nil, errors.Join(err, l.Close())
	}
	return l, nil
}

// clear removes the socket that a process left which is no more. One where somebody answers stays, and so does what is no socket.
func (a listenAddress) clear() error {
	was, err := os.Lstat(a.at)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	if was.Mode().Type() != fs.ModeSocket {
		return fmt.Errorf("%s is there, is no socket, and stays as it is", a.at)
	}
	conn, err := net.DialTimeout(a.network, a.at, time.Second)
	switch {
	case err == nil:
		return errors.Join(fmt.Errorf("another process listens at %s", a.at), conn.Close())
	case errors.Is(err, syscall.ECONNREFUSED):
		return os.Remove(a.at)
	}
	return fmt.Errorf("whether another process listens at %s cannot be told: %w", a.at, err)
}

// shown is an open listener as settings would name it.
func shown(l net.Listener) string {
	if at := l.Addr(); at.Network() == "unix" {
		return socketMark + at.String()
	}
	return l.Addr().String()
}
