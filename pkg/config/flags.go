package config

import (
	"fmt"
	"reflect"
)

// Flags is one command line flag for each key.
type Flags struct {
	all    []key
	target reflect.Value
}

// NewFlags makes the flags; give Struct to a parser.
func NewFlags() *Flags {
	f := &Flags{all: keys()}
	fields := make([]reflect.StructField, len(f.all))
	for i, k := range f.all {
		fields[i] = reflect.StructField{
			Name: fmt.Sprintf("Flag%d", i),
			Type: reflect.TypeFor[*string](),
			Tag:  reflect.StructTag(fmt.Sprintf(`name:%q help:%q placeholder:"VALUE" group:"Settings (they override the file and WEIR_* variables)"`, k.flag(), k.help)),
		}
	}
	f.target = reflect.New(reflect.StructOf(fields))
	return f
}

// Struct is a pointer to a struct with one *string field for each key, with
// tags that kong understands.
func (f *Flags) Struct() any { return f.target.Interface() }

// Given holds the values of the flags that were given, by key.
func (f *Flags) Given() map[string]string {
	given := make(map[string]string)
	for i, k := range f.all {
		if value := f.target.Elem().Field(i); !value.IsNil() {
			given[k.path] = value.Elem().String()
		}
	}
	return given
}
