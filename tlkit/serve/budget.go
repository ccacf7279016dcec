package serve

import (
	"io"
	"sync/atomic"
)

// budget is the memory that all requests may take together, in bytes.
type budget struct {
	limit int64
	taken atomic.Int64
}

// take takes n bytes, if they are there.
func (b *budget) take(n int64) bool {
	if b.taken.Add(n) > b.limit {
		b.taken.Add(-n)
		return false
	}
	return true
}

// share is what one request has taken of a budget. Its users are the request and the images that are made of its bytes.
type share struct {
	budget *budget
	taken  int64
	users  atomic.Int64
}

// newShare returns a share with one user.
func (b *budget) newShare() *share {
	s := &share{budget: b}
	s.users.Store(1)
	return s
}

// release gives all back after the last user.
func (s *share) release() {
	if s.users.Add(-1) == 0 {
		s.budget.taken.Add(-s.taken)
	}
}

// readAll reads r and takes memory as the bytes arrive, so that a request holds no more than it has sent.
func (s *share) readAll(r io.Reader) ([]byte, error) {
	const first, large = 16 << 10, 1 << 20 // a large body grows slower, so that it takes little more than it has
	var data []byte
	for {
		if len(data) == cap(data) {
			grown := max(first, 2*cap(data))
			if cap(data) >= large {
				grown = cap(data) + cap(data)/4
			}
			if more := int64(grown - cap(data)); s.budget.take(more) {
				s.taken += more
			} else {
				return nil, errMemory
			}
			data = append(make([]byte, 0, grown), data...)
		}
		n, err := r.Read(data[len(data):cap(data)])
		data = data[:len(data)+n]
		if err == io.EOF {
			return data, nil
		}
		if err != nil {
			return nil, err
		}
	}
}
