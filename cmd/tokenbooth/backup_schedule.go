package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"filippo.io/age"
)

// A backup made by the schedule is called by when it was begun, in UTC.
const (
	backupBegin, backupEnd, sealedEnd = "tokenbooth-", ".db", ".age"
	backupTime                        = "20060102T150405Z"
)

// How often it is looked whether a backup is due, and how soon one that failed is tried again.
const (
	scheduleLook  = time.Minute
	scheduleRetry = 10 * time.Minute
)

// schedule makes backups while the desk serves, and removes old ones. Of several processes on one data folder one makes each. It has no
// part in readiness: a desk whose backup fails still does its work.
type schedule struct {
	database, folder string
	lock             string // a file that is held meanwhile
	every            time.Duration
	keep             int
	to               []age.Recipient
	now              func() time.Time
	log              *slog.Logger

	last   atomic.Int64 // when the newest was begun, in seconds since 1970; 0: there is none
	failed atomic.Uint64
	again  time.Time // when one that failed is tried again
}

// newSchedule is the schedule of some settings, or nil.
func (f *front) newSchedule(s *settings) *schedule {
	b := s.Backup
	if b == nil {
		return nil
	}
	p := &schedule{database: s.database(), folder: s.path(b.To), lock: filepath.Join(s.Data, "backup.lock"),
		every: *b.Every, keep: *b.Keep, now: f.now, log: f.log}
	if b.Recipient != "" {
		p.to, _ = recipients(b.Recipient) // the settings were checked
	}
	f.metrics.Figure("tokenbooth_backup_last_success_timestamp_seconds", "When the newest backup was begun; 0 while there is none.",
		func() float64 { return float64(p.last.Load()) })
	f.metrics.Count("tokenbooth_backup_failures_total", "Backups of the schedule that could not be made.", p.failed.Load)
	return p
}

// run makes backups until ctx is done. One that is under way then is left unfinished: the next turn removes what is there of it.
func (p *schedule) run(ctx context.Context) {
	if p == nil {
		return
	}
	for tick := time.NewTicker(scheduleLook); ; {
		made := make(chan struct{})
		go func() { defer close(made); p.turn(ctx) }()
		select {
		case <-ctx.Done():
			tick.Stop()
			return
		case <-made:
		}
		select {
		case <-ctx.Done():
			tick.Stop()
			return
		case <-tick.C:
		}
	}
}

// turn makes a backup if one is due and nobody else is at it.
func (p *schedule) turn(ctx context.Context) {
	began := p.now()
	if began.Before(p.again) {
		return
	}
	file, err := p.make(ctx, began)
	switch {
	case ctx.Err() != nil:
	case err != nil:
		p.failed.Add(1)
		p.again = began.Add(min(p.every, scheduleRetry))
		p.log.Error("the schedule of backups has a fault", "folder", p.folder, "error", err, "again", p.again)
	case file != "":
		p.log.Info("a backup is written, and whole", "file", file, "seconds", int(p.now().Sub(began).Seconds()))
	}
}

func (p *schedule) make(ctx context.Context, began time.Time) (file string, err error) {
	lock, err := os.OpenFile(p.lock, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return "", err
	}
	defer lock.Close()
	if !tryHold(lock) {
		return "", nil
	}
	there, err := backupsIn(p.folder)
	if err != nil {
		return "", err
	}
	p.note(there)
	if len(there) > 0 {
		newest := there[0].began
		if due := newest.Add(p.every); began.Before(due) && !newest.After(began) {
			return "", nil
		}
	}
	file = filepath.Join(p.folder, backupBegin+began.UTC().Format(backupTime)+backupEnd)
	if len(p.to) > 0 {
		file += sealedEnd
	}
	if err := p.sweepParts(); err != nil {
		return "", err
	}
	if err := backUp(ctx, p.database, file, p.to, nil); err != nil {
		return "", err
	}
	p.last.Store(began.Unix())
	return file, p.prune(file)
}

// note keeps when the newest backup was made, by whomever.
func (p *schedule) note(there []kin) {
	if len(there) > 0 {
		p.last.Store(there[0].began.Unix())
	}
}

// prune removes the oldest backups beyond those that are kept, but never the one just made.
func (p *schedule) prune(made string) error {
	there, err := backupsIn(p.folder)
	if err != nil {
		return err
	}
	there = slices.DeleteFunc(there, func(k kin) bool { return k.file == made })
	for _, old := range there[min(p.keep-1, len(there)):] {
		if err := os.Remove(old.file); err != nil {
			return fmt.Errorf("remove an old backup: %w", err)
		}
	}
	return nil
}

// sweepParts removes what processes left that were ended over a backup. Whoever calls holds the lock, so none of it is in use.
func (p *schedule) sweepParts() error {
	for _, name := range namesIn(p.folder, backupBegin, "") {
		if stamp, rest, ok := strings.Cut(strings.TrimPrefix(name, backupBegin), backupEnd); ok && strings.Contains(rest, ".part") {
			if _, err := time.Parse(backupTime, stamp); err == nil {
				if err := os.Remove(filepath.Join(p.folder, name)); err != nil {
					return fmt.Errorf("remove what an earlier backup left: %w", err)
				}
			}
		}
	}
	return nil
}

// kin is a backup that a schedule made.
type kin struct {
	file  string
	began time.Time
}

// backupsIn returns the backups of a schedule in a folder, the newest first. What is called otherwise is somebody else's.
func backupsIn(folder string) (all []kin, err error) {
	entries, err := os.ReadDir(folder)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("the folder of the backups is not there: make it, or mount what it is on: %w", err)
	}
	if err != nil {
		return nil, fmt.Errorf("read the folder of the backups: %w", err)
	}
	for _, e := range entries {
		stamp, begins := strings.CutPrefix(e.Name(), backupBegin)
		stamp, ends := strings.CutSuffix(strings.TrimSuffix(stamp, sealedEnd), backupEnd)
		began, err := time.Parse(backupTime, stamp)
		if begins && ends && err == nil && e.Type().IsRegular() {
			all = append(all, kin{filepath.Join(folder, e.Name()), began})
		}
	}
	slices.SortFunc(all, func(a, b kin) int { return b.began.Compare(a.began) })
	return all, nil
}
