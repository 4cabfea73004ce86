// What every player page measures of its <video>, read by the test as
// window.report(). A page fills in window.rungs and window.select.
window.video = document.querySelector("video");
const opened = performance.now();
const seen = { playingAt: null, stalls: [], errors: [], notes: [], heights: [] };
let stalledSince = null;
let firstPicture = null;
let excused = 0; // until then a stall is the test's own doing

window.fail = (what) => seen.errors.push(String(what));
// What a player got over by itself.
window.note = (what) => seen.notes.push(String(what));
// A seek or a switch that the test asks for may wait for data.
window.excuse = (ms) => { excused = performance.now() + ms; };

// When a stall began, after the first picture, and how long it has lasted.
function stall() {
  return { after: stalledSince - firstPicture, ms: performance.now() - stalledSince };
}
function resume() {
  if (stalledSince !== null) seen.stalls.push(stall());
  stalledSince = null;
}
video.addEventListener("playing", () => {
  if (seen.playingAt === null) {
    seen.playingAt = Date.now();
    firstPicture = performance.now();
  }
  resume();
});
video.addEventListener("waiting", () => {
  if (seen.playingAt === null || performance.now() < excused || video.ended) return;
  stalledSince ??= performance.now();
});
video.addEventListener("error", () => fail(`video: ${video.error?.message}`));
video.addEventListener("resize", () => seen.heights.push(video.videoHeight));

// Players throw when they are asked before they have read the manifest.
function offered() {
  try { return window.rungs(); } catch { return []; }
}

window.report = () => {
  const quality = video.getVideoPlaybackQuality();
  return {
    ...seen,
    stalls: stalledSince === null ? seen.stalls : [...seen.stalls, stall()],
    openMs: performance.now() - opened,
    time: video.currentTime,
    height: video.videoHeight,
    ended: video.ended,
    paused: video.paused,
    frames: quality.totalVideoFrames,
    dropped: quality.droppedVideoFrames,
    rungs: offered(),
  };
};

// Waits for the stream as a patient viewer does, then calls start.
window.whenThere = async (url, start) => {
  for (;;) {
    try {
      const response = await fetch(url, { cache: "no-store" });
      if (response.ok) return start(url);
    } catch { /* the gateway is restarting */ }
    await new Promise((again) => setTimeout(again, 200));
  }
};
window.query = new URLSearchParams(location.search);
