package weights

import "bytes"

// OpenBytes is Open for a file that is in memory already, such as an embedded one; its errors contain name. The state
// dict refers to data, which must not change.
func OpenBytes(name string, data []byte) (*StateDict, error) {
	sd, err := openReader(bytes.NewReader(data), int64(len(data)), Options{})
	if err := sd.named(name, err); err != nil {
		return nil, err
	}
	return sd, nil
}
