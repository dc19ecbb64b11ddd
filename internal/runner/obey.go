package runner

import (
	"context"
	"errors"
	"time"
)

// obey does what it is asked for until ctx ends, and then ends everything. An
// end waits for no reload: the end of the workers is its end.
func (m *master) obey(ctx context.Context, asked <-chan struct{}) error {
	looks := time.NewTicker(calmEvery)
	defer looks.Stop()
	var reloading chan struct{} // closed when the reload has ended; nil where none is under way
	for moments := (calm{last: allocated()}); ; {
		reload, due, asked, orders := m.reload, m.due, asked, m.orders
		if reloading != nil { // what is asked for meanwhile comes after it
			reload, due, asked, orders = nil, nil, nil, nil
		}
		select {
		case <-looks.C:
			if moments.look(allocated()) {
				slim()
			}
		case <-reload:
			reloading = m.beginReload(ctx)
		case <-due:
			reloading = m.beginReload(ctx)
		case <-reloading:
			reloading = nil
		case <-asked:
			_ = m.upgrade(ctx, nil) // which does so too
		case o := <-orders:
			o.done <- m.upgrade(ctx, o.told)
		case <-ctx.Done():
			m.log.Info("stopping", "after", time.Since(m.started).Round(time.Second).String())
			return m.close(context.WithoutCancel(ctx))
		}
		if m.deaf {
			return errors.Join(errors.New("the front cannot be opened again"), m.close(context.WithoutCancel(ctx)))
		}
	}
}

// beginReload reloads beside everything else. What it returns is closed when
// that is over.
func (m *master) beginReload(ctx context.Context) chan struct{} {
	over := make(chan struct{})
	m.reloads.Go(func() {
		defer close(over)
		_, _ = m.Reload(context.WithoutCancel(ctx)) // which tells how it went
	})
	return over
}
