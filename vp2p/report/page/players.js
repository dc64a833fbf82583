// Frames are tiles of sheets. Each is drawn from a decoded picture, at once and exactly.
const LEAST_WIDTH = 512; // of a canvas, so that maps over small frames stay smooth

const sheets = new Map();

async function decodeSheets() {
  const tracks = [...Object.values(movie.clips), ...Object.values(movie.maps)];
  const addresses = new Set(tracks.flatMap((track) => track.sheets));
  await Promise.all(
    [...addresses].map(async (address) => {
      const image = new Image();
      image.src = address;
      await image.decode();
      sheets.set(address, image);
    }),
  );
}

function setSize(canvas, clip) {
  const factor = Math.max(1, Math.ceil(LEAST_WIDTH / clip.width));
  canvas.width = clip.width * factor;
  canvas.height = clip.height * factor;
}

// A clip that is shorter than another holds its last frame.
function paint(canvas, track, frame, smooth, left = 0) {
  const index = Math.min(frame, track.frames - 1);
  const tile = index % track.each;
  const x = (tile % track.columns) * track.width;
  const y = Math.floor(tile / track.columns) * track.height;
  const cut = Math.round(left * canvas.width);
  const context = canvas.getContext("2d");
  context.save();
  context.beginPath();
  context.rect(cut, 0, canvas.width - cut, canvas.height);
  context.clip();
  context.imageSmoothingEnabled = smooth;
  context.imageSmoothingQuality = "high";
  const sheet = sheets.get(track.sheets[Math.floor(index / track.each)]);
  context.drawImage(sheet, x, y, track.width, track.height, 0, 0, canvas.width, canvas.height);
  context.restore();
}

// Heat covers a picture without colour, and a mask's tint the picture as it is.
function paintMaps(canvas, maps, frame) {
  if (!maps.sharp) {
    const context = canvas.getContext("2d");
    context.save();
    context.globalCompositeOperation = "saturation";
    context.fillStyle = "#888";
    context.fillRect(0, 0, canvas.width, canvas.height);
    context.restore();
  }
  paint(canvas, maps, frame, !maps.sharp);
}

function startPlayers() {
  for (const canvas of document.querySelectorAll("canvas[data-clip]")) {
    const clip = movie.clips[canvas.dataset.clip];
    const maps = movie.maps[canvas.dataset.maps];
    setSize(canvas, clip);
    clock.onChange(() => {
      paint(canvas, clip, clock.frame, false);
      if (maps) paintMaps(canvas, maps, clock.frame);
      canvas.dataset.frame = clock.frame;
    });
  }
}
