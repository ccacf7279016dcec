// Package sealed reads and writes the files of a run, and of a detached training, so that a damaged one is found.
//
// Every file carries its own checksum: the SHA-256 of the file with zeros in place of the checksum's digits. A JSON
// file has it as a field, a history in its first line, a weight file in its metadata. The small files of
// a run have a second copy beside them. Older runs have neither; their files count as good if they can be read.
//
// A file that the system does not let us read is not damaged: the user may lack the permission, a disk may fail for a
// moment, a network folder may be gone. Nothing is trained over such a file.
package sealed
