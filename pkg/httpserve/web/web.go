// Package web holds the pages: the dashboard, the list of streams and the
// watch page. They are written in TypeScript in this folder, bundled with the
// players by `npm run build` into dist, and embedded from there.
package web

import (
	"embed"
	"io/fs"
)

//go:embed all:dist
var dist embed.FS

// Files is the bundle: index.html, watch.html, dashboard.html and assets/. It holds no page if
// the program was built without the bundle.
func Files() fs.FS {
	bundle, err := fs.Sub(dist, "dist")
	if err != nil {
		return embed.FS{} // "dist" is a valid path, so this cannot happen
	}
	return bundle
}
