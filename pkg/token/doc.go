// Package token keeps the API's tokens in a file of the data folder: hashed,
// for whoever reads the file cannot use them. A token is 160 random bits, so a
// plain SHA-256 is enough.
//
// The gateway and the command line share the file. Each change is made under
// a lock and takes the place of the file at once; readers notice it by the
// file's time and size. There are no goroutines.
package token
