// Package admission decides who may publish what. In goes what a publisher asks
// for, out comes the stream that it may publish with the rules for it, or a
// rejection that says what is wrong and how to mend it.
//
// Keys of the configuration and of the database are known in memory. Nothing
// here is asked again once a publisher has been let in. There are no goroutines.
package admission
