package config

import "strings"

// suggest finds the word that was probably meant; "" if none is near.
func suggest(given string, words []string) string {
	best, distance := "", 2+len(given)/5
	for _, word := range words {
		if d := editDistance(strings.ToLower(given), strings.ToLower(word)); d < distance {
			best, distance = word, d
		}
	}
	return best
}

// suggestKey also finds a key that was put into the wrong section.
func suggestKey(given string, all []key) string {
	paths := make([]string, len(all))
	for i, k := range all {
		paths[i] = k.path
	}
	if near := suggest(given, paths); near != "" {
		return near
	}
	leaf := given[strings.LastIndex(given, ".")+1:]
	found := ""
	for _, path := range paths {
		switch {
		case strings.HasPrefix(given, path+"."):
			return path
		case path[strings.LastIndex(path, ".")+1:] != leaf:
		case found != "":
			return "" // Several sections have such a key.
		default:
			found = path
		}
	}
	return found
}

// editDistance is Levenshtein's: how many letters must be inserted, removed or
// replaced to make b of a.
func editDistance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diagonal
			if a[i] != b[j] {
				cost++
			}
			diagonal = row[j+1]
			row[j+1] = min(cost, row[j]+1, diagonal+1)
		}
	}
	return row[len(b)]
}
