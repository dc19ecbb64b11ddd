package errormail

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/roadworthy-dev/roadworthy/internal/bench/mailsink"
)

const (
	stormLeast  = 280 // exceptions of a storm; some more by chance, so that no count is right by luck
	stormSpread = 40
	stormers    = 4                // connections
	stormLimit  = 12 * time.Second // for all of them
	calmLimit   = 15 * time.Second // for the window to end
	stopLimit   = 10 * time.Second // for what is sent at the stop
)

// rage induces hundreds of exceptions as fast as they are answered.
func (w *world) rage(ctx context.Context) (Storm, error) {
	s := Storm{Recipients: w.recipients}
	total := stormLeast + w.Random.IntN(stormSpread)
	nonces := make(chan string, total)
	for range total {
		nonce := w.Random.Nonce()
		w.failing = append(w.failing, nonce)
		nonces <- nonce
	}
	close(nonces)
	w.began = time.Now()
	var mu sync.Mutex
	var group sync.WaitGroup
	for range stormers {
		group.Go(func() {
			client := w.Client(w.process)
			defer client.Close()
			for nonce := range nonces {
				if ctx.Err() != nil || time.Since(w.began) > stormLimit {
					return
				}
				reply := w.raise(ctx, client, nonce)
				mu.Lock()
				s.Sent++
				if reply.Err == "" && reply.Status >= 500 {
					s.Raised++
				}
				mu.Unlock()
			}
		})
	}
	group.Wait()
	s.Seconds = time.Since(w.began).Seconds()
	return s, ctx.Err()
}

// calm waits until the mails tell the count or the window must be over, then
// stops the application, which may send a last mail.
func (w *world) calm(ctx context.Context, s *Storm) error {
	wait, cancel := context.WithTimeout(ctx, calmLimit)
	defer cancel()
	w.await(wait, func([]mailsink.Message) bool {
		w.tally(s)
		return s.exact() || s.Total > bound*len(s.Recipients)
	})
	if _, _, err := w.process.Stop(ctx, stopLimit); err != nil {
		return fmt.Errorf("stop the application after the storm: %w", err)
	}
	s.Stopped = true
	late, cancelLate := context.WithTimeout(ctx, copies)
	defer cancelLate()
	w.await(late, func([]mailsink.Message) bool { return false })
	w.tally(s)
	return ctx.Err()
}

// tally turns the mails so far into plain data.
func (w *world) tally(s *Storm) {
	s.Mails, s.Total = nil, 0
	for _, message := range w.messages() {
		mail, related := w.mail(message)
		if !related {
			continue
		}
		s.Total++
		if len(s.Mails) < maxMails {
			s.Mails = append(s.Mails, mail)
		}
	}
}
