// What every player page measures of its <video>, read by the test as
// window.report(). A page fills in window.rungs and window.select.
window.video = document.querySelector("video");
const opened = performance.now();
const seen = { askedAt: null, pictureAt: null, playingAt: null, stalls: [], errors: [], notes: [], heights: [] };
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
      if (response.ok) {
        seen.askedAt = Date.now();
        return start(url);
      }
    } catch { /* the gateway is restarting */ }
    await new Promise((again) => setTimeout(again, 200));
  }
};
// The first picture on the screen, in Unix milliseconds.
const shownAt = (metadata) => performance.timeOrigin + metadata.expectedDisplayTime;
video.requestVideoFrameCallback((_, metadata) => { seen.pictureAt = Math.round(shownAt(metadata)); });

// The clock that clock_test.go burns into the picture.
const clock = { delays: [], unread: 0 };
const strip = Object.assign(document.createElement("canvas"), { width: 32 * 4, height: 4 });
const drawing = strip.getContext("2d", { willReadFrequently: true });
function readClock() {
  drawing.drawImage(video, 0, 0, video.videoWidth, video.videoHeight / 18, 0, 0, strip.width, strip.height);
  const pixels = drawing.getImageData(0, 0, strip.width, strip.height).data;
  let bits = 0n;
  for (let i = 0; i < 32; i++) bits = bits << 1n | BigInt(pixels[(2 * strip.width + 4 * i + 2) * 4] > 128);
  const ms = Number(bits >> 8n);
  const sum = (ms >> 16 ^ ms >> 8 ^ ms ^ 0x5a) & 0xff;
  return Number(bits & 0xffn) === sum ? ms : null;
}
window.watchClock = () => video.requestVideoFrameCallback((_, metadata) => {
  const ms = readClock();
  if (ms === null) clock.unread++;
  else clock.delays.push((Math.round(shownAt(metadata)) % 2 ** 24 - ms + 2 ** 24) % 2 ** 24);
  window.watchClock();
});
window.glass = () => clock;
window.query = new URLSearchParams(location.search);
