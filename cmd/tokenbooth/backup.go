package main

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"filippo.io/age"
	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/tokenbooth/tokenbooth/internal/store/sqlite"
)

func backupCommand() *cobra.Command {
	var to []string
	cmd := &cobra.Command{
		Use:   "backup FILE",
		Short: "Write a copy of the database, while the server serves",
		Long: `Backup writes the database, as it is at one moment, to a new file, and reads that back before it says that it is done. A
running server goes on. With --recipient the file is encrypted with age (age-encryption.org) and can be opened by its owner alone.

The key-encryption key is not in it, nor are the settings: keep them apart. Who has both can sign tokens.`,
		Example: "  tokenbooth backup /mnt/backup/tokenbooth-monday.db\n  tokenbooth backup monday.db.age --recipient age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p",
		Args:    want("FILE"),
		RunE: func(cmd *cobra.Command, args []string) error {
			s, err := storedSettings(cmd)
			if err != nil {
				return err
			}
			sealed, err := recipients(to...)
			if err != nil {
				return fmt.Errorf("--recipient: %w", err)
			}
			if err := backUp(cmd.Context(), s.database(), args[0], sealed, progress(cmd.ErrOrStderr())); err != nil {
				return err
			}
			return printerOf(cmd).say("%s is written, and whole.", args[0])
		},
	}
	cmd.Flags().StringArrayVar(&to, "recipient", nil, "encrypt it for an age `RECIPIENT`, age1…; may be given more than once")
	return cmd
}

// storedSettings are the settings of a command that works on the file of the store.
func storedSettings(cmd *cobra.Command) (*settings, error) {
	s, err := settingsOf(cmd)
	if err == nil && s.Store == "memory" {
		err = s.fault("store", "a store in memory has no file")
	}
	return s, err
}

func recipients(names ...string) (all []age.Recipient, err error) {
	for _, name := range names {
		r, err := age.ParseX25519Recipient(name)
		if err != nil {
			return nil, fmt.Errorf("%q is no recipient of age, which begins with age1; make one with: age-keygen", name)
		}
		all = append(all, r)
	}
	return all, nil
}

// progress shows on a terminal how far something is.
func progress(w io.Writer) func(written, of int64) {
	if f, ok := w.(*os.File); !ok || !term.IsTerminal(int(f.Fd())) {
		return nil
	}
	return func(written, of int64) { fmt.Fprintf(w, "\r%3d %% of %d MiB", 100*written/max(of, 1), of>>20) }
}

// backUp writes a backup whole or not at all: under another name until it has been read back.
func backUp(ctx context.Context, db, file string, to []age.Recipient, done func(written, of int64)) (err error) {
	if exists(file) {
		return fmt.Errorf("%s exists already and stays as it is; name another file", file)
	}
	part := file + ".part"
	if err := os.Remove(part); err != nil && !errors.Is(err, os.ErrNotExist) { // of a backup that was broken off
		return fmt.Errorf("remove what an earlier backup left: %w", err)
	}
	if err := sqlite.Backup(ctx, db, part, done); err != nil {
		return err
	}
	defer os.Remove(part)
	if len(to) > 0 {
		plain := part
		if part, err = encrypt(plain, to); err != nil {
			return fmt.Errorf("encrypt the backup: %w", err)
		}
		defer os.Remove(part)
	}
	err = os.Link(part, file) // unlike Rename it never replaces a file
	if err != nil && !exists(file) {
		err = os.Rename(part, file) // some shares know no links
	}
	if err != nil {
		return fmt.Errorf("name the backup: %w", err)
	}
	return nil
}

// encrypt writes a file anew for recipients, and reads it back: by a key of its own, which nobody keeps.
func encrypt(plain string, to []age.Recipient) (sealed string, err error) {
	once, err := age.GenerateX25519Identity()
	if err != nil {
		return "", err
	}
	in, err := os.Open(plain)
	if err != nil {
		return "", err
	}
	defer in.Close()
	sealed = plain + ".age"
	out, err := os.OpenFile(sealed, os.O_CREATE|os.O_TRUNC|os.O_RDWR, 0o600)
	if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, out.Close()) }()
	w, err := age.Encrypt(out, append([]age.Recipient{once.Recipient()}, to...)...)
	if err != nil {
		return sealed, err
	}
	if _, err := io.Copy(w, in); err != nil {
		return sealed, err
	}
	if err := cmp.Or(w.Close(), out.Sync()); err != nil {
		return sealed, err
	}
	return sealed, readBack(out, in, once)
}

func readBack(sealed, plain *os.File, with age.Identity) error {
	if _, err := sealed.Seek(0, io.SeekStart); err != nil {
		return err
	}
	if _, err := plain.Seek(0, io.SeekStart); err != nil {
		return err
	}
	r, err := age.Decrypt(sealed, with)
	if err != nil {
		return err
	}
	return sameBytes(r, plain)
}

func sameBytes(a, b io.Reader) error {
	one, two := make([]byte, 1<<16), make([]byte, 1<<16)
	for {
		n, err := io.ReadFull(a, one)
		m, other := io.ReadFull(b, two)
		if !bytes.Equal(one[:n], two[:m]) {
			return errors.New("what was written cannot be read back: check the disk")
		}
		if err != nil || other != nil {
			if errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF) {
				return nil
			}
			return cmp.Or(err, other)
		}
	}
}

// decrypt writes the plain form of a backup beside where it will be.
func decrypt(file, identities, to string) (err error) {
	keys, err := os.Open(identities)
	if err != nil {
		return fmt.Errorf("--identity: %w", err)
	}
	defer keys.Close()
	with, err := age.ParseIdentities(keys)
	if err != nil {
		return fmt.Errorf("--identity: %s has no identity of age: %w", identities, err)
	}
	in, err := os.Open(file)
	if err != nil {
		return err
	}
	defer in.Close()
	r, err := age.Decrypt(in, with...)
	if err != nil {
		return fmt.Errorf("%s is not for this identity, or damaged: %w", filepath.Base(file), err)
	}
	return copyNew(r, to)
}

// copyNew writes a private file, durably.
func copyNew(r io.Reader, to string) error {
	out, err := os.OpenFile(to, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = io.Copy(out, r)
	return errors.Join(err, out.Sync(), out.Close())
}
