package read

import (
	"errors"
	"fmt"

	"github.com/gomlx/compute-onnx/support/protos"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// The approximate memory cost of a message: an empty one takes two bytes in a file and a struct of this size here.
const (
	messageCost = 256
	costBase    = 1 << 20
	costFactor  = 16
	maxDepth    = 16
)

// unmarshal decodes a file, if the memory it needs fits its size.
func unmarshal(data []byte) (*protos.ModelProto, error) {
	m := &protos.ModelProto{}
	left := costBase + costFactor*len(data)
	if err := cost(m.ProtoReflect().Descriptor(), data, &left, 0); err != nil {
		return nil, err
	}
	if err := (proto.UnmarshalOptions{DiscardUnknown: true}).Unmarshal(data, m); err != nil {
		return nil, fmt.Errorf("not an ONNX file, or a damaged one: %w", err)
	}
	return m, nil
}

// cost walks the wire format and subtracts the memory that decoding will allocate from left.
func cost(d protoreflect.MessageDescriptor, b []byte, left *int, depth int) error {
	if depth > maxDepth {
		return errors.New("the file is nested too deeply for a network")
	}
	for len(b) > 0 {
		number, kind, n := protowire.ConsumeTag(b)
		if n < 0 {
			return fmt.Errorf("not an ONNX file, or a damaged one: %w", protowire.ParseError(n))
		}
		b = b[n:]
		size := protowire.ConsumeFieldValue(number, kind, b)
		if size < 0 {
			return fmt.Errorf("not an ONNX file, or a damaged one: %w", protowire.ParseError(size))
		}
		*left -= 8
		field := d.Fields().ByNumber(number)
		if kind == protowire.BytesType {
			content, _ := protowire.ConsumeBytes(b)
			switch {
			case field == nil: // unknown: dropped
			case field.Message() != nil:
				*left -= messageCost
				if err := cost(field.Message(), content, left, depth+1); err != nil {
					return err
				}
			case field.Kind() == protoreflect.BytesKind || field.Kind() == protoreflect.StringKind:
				*left -= len(content) + 16
			default: // packed numbers: up to 8 bytes for one
				*left -= 8 * len(content)
			}
		}
		if *left < 0 {
			return errors.New("the file would need far more memory than its size; it is damaged or made to do harm")
		}
		b = b[size:]
	}
	return nil
}
