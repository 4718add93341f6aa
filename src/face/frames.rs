//! The expressions of a person over the frames of a video, of a directory, or of Motion-JPEG.

use super::{
    Face, FaceModel, FaceReader, Observation, ObserveOptions, container::Segments, decode,
    observe::Observer, picture::MAX_BYTES, read_picture,
};
#[cfg(feature = "serve")]
use crate::emotion::Expression;
use crate::{
    Error, ErrorKind, Result,
    audio::{Excerpt, ffmpeg::Video},
    error::Context as _,
};
use image::DynamicImage;
use std::{
    fs,
    io::{self, Read},
    path::{Path, PathBuf},
    time::Instant,
};

/// Bytes that are read at once.
const BLOCK: usize = 1 << 16;
/// Bytes between two frames of a stream, such as the headers of MIME parts.
const MAX_BETWEEN: usize = 1 << 20;
/// Damaged frames after which a stream without a whole one is given up.
const MAX_DAMAGED: usize = 100;
/// Frames of a video that are looked at, for each second.
const VIDEO_RATE: f64 = 5.0;

/// Where frames come from.
pub(crate) enum FrameSource<'a> {
    /// A directory of pictures, in the order of their names.
    Directory(&'a Path),
    /// A video, which ffmpeg decodes.
    Video(&'a Path),
    /// JPEG files one after another.
    Stream(Box<dyn Read>),
}

/// The expressions of the largest face in each frame.
pub(crate) struct FramesSeen {
    /// The shares of the expressions, smoothed by [`Observer::smooth`].
    pub observed: Observation,
    /// Time that a frame stands for: one over the rate, or the mean time between two that arrive.
    pub seconds_per_frame: f64,
    /// Frames that could not be decoded.
    pub damaged: usize,
    /// Why the first of them could not.
    pub damage: Option<Error>,
    /// Time of the last frame.
    last_s: f64,
    /// Seconds by which a video ends before its header says; 0 where that is not known, or is no more than half a second
    /// and two frames.
    pub missing_s: f64,
}

/// A frame with its time in seconds; an error inside where it cannot be decoded.
type Frame = (f64, Result<DynamicImage>);

/// Watches the largest face of each frame.
///
/// `part` takes a stretch: its length at the end (of a stream at the start), or from a start on. `rate` is the number of frames
/// in a second: of a directory it must be known, of a video it says how many are looked at, and the frames of a stream without
/// it have the times at which they arrive.
///
/// # Errors
/// Where the source cannot be read, has no frames, or shows no face.
pub(crate) fn observe_frames(
    source: FrameSource<'_>,
    reader: &mut FaceReader,
    part: Option<Excerpt>,
    rate: Option<f64>,
) -> Result<FramesSeen> {
    let mut options = ObserveOptions::default();
    let mut rate = rate;
    let mut video = None;
    let frames: Box<dyn Iterator<Item = Result<Frame>> + '_> = match source {
        FrameSource::Directory(directory) => {
            let Some(rate) = rate else {
                let message = "expected the frames per second of the directory: give --fps";
                return Err(Error::invalid(message).with_path(directory));
            };
            let pictures = stretch(pictures(directory)?, part, rate)
                .into_iter()
                .enumerate();
            Box::new(pictures.map(move |(n, path)| Ok((n as f64 / rate, read_picture(&path)))))
        }
        FrameSource::Video(path) => {
            let rate = *rate.get_or_insert(VIDEO_RATE);
            let frames = MotionJpeg::new(video.insert(Video::open(path, rate, part)?));
            let timed = frames.enumerate();
            Box::new(timed.map(move |(n, frame)| Ok((n as f64 / rate, decode(&frame?)))))
        }
        FrameSource::Stream(input) => {
            options.is_live = true;
            options.length_s = part.map(|part| part.length_s);
            options.start_s = part.and_then(|part| part.start_s);
            let mut begin = None;
            let timed = MotionJpeg::new(input).enumerate();
            Box::new(timed.map(move |(n, frame)| {
                let frame = frame?;
                let now = Instant::now();
                let arrived = (now - *begin.get_or_insert(now)).as_secs_f64();
                Ok((rate.map_or(arrived, |rate| n as f64 / rate), decode(&frame)))
            }))
        }
    };
    let mut seen = watch(frames, &options, |picture| reader.faces(picture))?;
    if let (Some(seen), Some(rate)) = (&mut seen, rate) {
        seen.seconds_per_frame = 1.0 / rate;
        let declared_s = video.as_ref().and_then(Video::declared_s);
        let missing_s = declared_s.map_or(0.0, |declared| declared - seen.last_s);
        if missing_s > 0.5 + 2.0 / rate {
            seen.missing_s = missing_s;
        }
    }
    seen.ok_or_else(|| match &video {
        Some(video) => video.failure(),
        None => Error::invalid("found no frames; expected JPEG pictures one after another"),
    })
}

/// Finds the faces in the bytes of a picture, and in those of a stream of JPEG files that they may be. Returns their number.
///
/// # Errors
/// Where they are no picture that can be read.
pub fn count_faces(bytes: &[u8]) -> Result<usize> {
    let mut reader = FaceReader::new(FaceModel::shipped()?, FaceReader::SMALLEST)?;
    for frame in MotionJpeg::new(bytes) {
        // The first one is read below, what follows it may be damaged.
        let _ = frame.and_then(|frame| decode(&frame));
    }
    Ok(reader.faces(&decode(bytes)?)?.len())
}

/// Watches frames with what finds the faces in them; `None` where there are no frames.
fn watch(
    frames: impl Iterator<Item = Result<Frame>>,
    options: &ObserveOptions,
    mut faces: impl FnMut(&DynamicImage) -> Result<Vec<Face>>,
) -> Result<Option<FramesSeen>> {
    let mut observer = Observer::new(options);
    let (mut count, mut shown, mut several, mut last) = (0, 0, 0, 0.0);
    let (mut damaged, mut damage) = (0, None);
    for frame in frames {
        let (time, picture) = frame?;
        let picture = match picture {
            Ok(picture) => picture,
            Err(error) => {
                damaged += 1;
                damage.get_or_insert(error);
                if count == 0 && damaged == MAX_DAMAGED {
                    break;
                }
                continue;
            }
        };
        let faces = faces(&picture)?;
        let largest = faces.first().map(|face| face.expressions.map(f64::from));
        (count, last) = (count + 1, time);
        shown += usize::from(largest.is_some());
        several += usize::from(faces.len() > 1);
        if observer.add_frame(time, largest).is_break() {
            break;
        }
    }
    if count == 0 {
        return damage.map_or(Ok(None), Err);
    }
    if shown == 0 {
        let message = format!("none of {count} frames shows a face");
        return Err(Error::new(ErrorKind::Empty, message));
    }
    observer.smooth();
    let mut observed = observer.observation()?;
    observed.several = several;
    Ok(Some(FramesSeen {
        observed,
        seconds_per_frame: last / (count + damaged).saturating_sub(1).max(1) as f64,
        damaged,
        damage,
        last_s: last,
        missing_s: 0.0,
    }))
}

/// The expressions of faces that were found in frames, each with its time in seconds (`None` where a frame shows no face), and the
/// time that a frame stands for.
///
/// # Errors
/// Where no frame shows a face.
#[cfg(feature = "serve")]
pub(crate) fn observe_shares(
    frames: &[(f64, Option<[f64; Expression::COUNT]>)],
) -> Result<(Observation, f64)> {
    let options = ObserveOptions::default();
    let mut observer = Observer::new(&options);
    for (time, shares) in frames {
        // Without a stretch there is never enough.
        let _ = observer.add_frame(*time, *shares);
    }
    observer.smooth();
    let (first, last) = (frames.first(), frames.last());
    let length = first
        .zip(last)
        .map_or(0.0, |(first, last)| last.0 - first.0);
    let steps = frames.len().saturating_sub(1).max(1);
    Ok((observer.observation()?, length.max(0.0) / steps as f64))
}

/// The pictures of a directory.
fn pictures(directory: &Path) -> Result<Vec<PathBuf>> {
    let unreadable = "cannot be listed";
    let mut pictures = Vec::new();
    for entry in fs::read_dir(directory).context_at(ErrorKind::Io, directory, unreadable)? {
        let path = entry
            .context_at(ErrorKind::Io, directory, unreadable)?
            .path();
        let extension = path.extension().unwrap_or_default().to_ascii_lowercase();
        let is_picture = ["jpg", "jpeg", "png", "webp"]
            .iter()
            .any(|it| extension == *it);
        let is_hidden = path
            .file_name()
            .is_some_and(|name| name.as_encoded_bytes()[0] == b'.');
        if is_picture && !is_hidden {
            pictures.push(path);
        }
    }
    if pictures.is_empty() {
        let message = "holds no pictures; expected frames as .jpg, .png or .webp";
        return Err(Error::invalid(message).with_path(directory));
    }
    pictures.sort();
    Ok(pictures)
}

/// The frames of a stretch, as [`Video::open`] takes them: of the end where it has no start.
fn stretch(mut frames: Vec<PathBuf>, part: Option<Excerpt>, rate: f64) -> Vec<PathBuf> {
    let Some(part) = part else {
        return frames;
    };
    let length = ((part.length_s * rate).round() as usize).max(1);
    let latest = frames.len().saturating_sub(length);
    let start = part
        .start_s
        .map_or(latest, |start| (start * rate).round() as usize);
    let mut frames = frames.split_off(start.min(latest));
    frames.truncate(length);
    frames
}

/// The JPEG files in a stream, one after another, whatever lies between them.
struct MotionJpeg<R> {
    input: R,
    buffer: Vec<u8>,
    has_ended: bool,
}

impl<R: Read> MotionJpeg<R> {
    fn new(input: R) -> Self {
        Self {
            input,
            buffer: Vec::new(),
            has_ended: false,
        }
    }

    /// Reads some more bytes.
    fn fill(&mut self) -> io::Result<()> {
        let mut block = [0; BLOCK];
        let length = loop {
            match self.input.read(&mut block) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                read => break read?,
            }
        };
        self.buffer.extend(&block[..length]);
        self.has_ended = length == 0;
        Ok(())
    }

    /// The next file; a last one that is not complete as it is.
    fn frame(&mut self) -> Result<Option<Vec<u8>>> {
        const UNREADABLE: &str = "the frames cannot be read";
        let mut between = 0;
        loop {
            let start = self.buffer.windows(3).position(|it| it == b"\xff\xd8\xff");
            // The start of a file may be split between two blocks.
            let skipped = start.unwrap_or(self.buffer.len().saturating_sub(2));
            self.buffer.drain(..skipped);
            between += skipped;
            if start.is_some() || self.has_ended {
                break;
            }
            if between > MAX_BETWEEN {
                return Err(Error::invalid(
                    "expected Motion-JPEG (JPEG pictures one after another), found something else",
                ));
            }
            self.fill().context(ErrorKind::Io, UNREADABLE)?;
        }
        let mut segments = Segments::new();
        loop {
            if let Some(end) = segments.end(&self.buffer) {
                let rest = self.buffer.split_off(end);
                return Ok(Some(std::mem::replace(&mut self.buffer, rest)));
            }
            if self.buffer.len() as u64 > MAX_BYTES {
                return Err(Error::invalid("a frame is larger than 256 MiB"));
            }
            if self.has_ended {
                let is_frame = self.buffer.starts_with(b"\xff\xd8\xff");
                let rest = std::mem::take(&mut self.buffer);
                return Ok(is_frame.then_some(rest));
            }
            self.fill().context(ErrorKind::Io, UNREADABLE)?;
        }
    }
}

impl<R: Read> Iterator for MotionJpeg<R> {
    type Item = Result<Vec<u8>>;

    fn next(&mut self) -> Option<Self::Item> {
        self.frame().transpose()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::emotion::Expression;
    use image::{GrayImage, ImageOutputFormat, Luma};
    use std::io::Cursor;

    fn jpeg(gray: u8) -> Vec<u8> {
        let mut bytes = Cursor::new(Vec::new());
        let picture = GrayImage::from_pixel(16, 16, Luma([gray]));
        let format = ImageOutputFormat::Jpeg(90);
        DynamicImage::from(picture)
            .write_to(&mut bytes, format)
            .unwrap();
        bytes.into_inner()
    }

    /// Gives a few bytes at a time.
    struct Slow<'a>(&'a [u8]);

    impl Read for Slow<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            let length = self.0.len().min(7);
            buffer[..length].copy_from_slice(&self.0[..length]);
            self.0 = &self.0[length..];
            Ok(length)
        }
    }

    fn frames(stream: &[u8]) -> Result<Vec<Vec<u8>>> {
        MotionJpeg::new(Slow(stream)).collect()
    }

    #[test]
    fn frames_are_cut_out_of_a_stream_whatever_lies_between() {
        let [black, white] = [jpeg(0), jpeg(255)];
        let part = b"\r\n--frame\r\nContent-Type: image/jpeg\r\n\r\n";
        let stream = [part, &black[..], part, &white, &white, b"\r\n--frame--"].concat();
        assert_eq!(
            frames(&stream).unwrap(),
            [&black, &white, &white].map(Vec::clone)
        );
        let cut = &stream[..stream.len() - 60];
        let found = frames(cut).unwrap();
        assert_eq!((found.len(), &found[..2]), (3, &[black, white.clone()][..]));
        assert!(white.starts_with(&found[2]));
        assert_eq!(frames(b"").unwrap().len(), 0);
        let text = vec![b'x'; 2 * MAX_BETWEEN];
        let error = frames(&text).unwrap_err().to_string();
        assert!(error.contains("expected Motion-JPEG"), "{error}");
    }

    const RATE: f64 = 5.0;

    /// Watches frames that show these faces, one list a frame, five frames a second; `None` cannot be decoded.
    fn watched(
        shown: &[Option<&[Expression]>],
        options: &ObserveOptions,
    ) -> Result<Option<FramesSeen>> {
        let frames = shown.iter().enumerate().map(|(n, faces)| {
            let picture = match faces {
                Some(_) => Ok(DynamicImage::from(GrayImage::new(1, 1))),
                None => Err(Error::new(ErrorKind::Damaged, "the picture is damaged")),
            };
            Ok((n as f64 / RATE, picture))
        });
        let mut faces = shown.iter().flatten();
        watch(frames, options, |_| {
            let faces = faces.next().unwrap().iter();
            Ok(faces
                .map(|expression| {
                    let mut expressions = [0.05; Expression::COUNT];
                    expressions[expression.index()] = 0.65;
                    Face {
                        region: [0, 0, 10, 10],
                        score: 9.0,
                        expressions,
                    }
                })
                .collect())
        })
    }

    fn share(seen: &FramesSeen, expression: Expression) -> f64 {
        seen.observed.shares[expression.index()]
    }

    const HAPPY: Option<&[Expression]> = Some(&[Expression::Happiness]);
    const NOBODY: Option<&[Expression]> = Some(&[]);
    const SAD: Option<&[Expression]> = Some(&[Expression::Sadness]);

    #[test]
    fn one_misread_frame_changes_nothing_in_15_seconds() {
        let steady = [HAPPY; 75];
        let expected = watched(&steady, &ObserveOptions::default())
            .unwrap()
            .unwrap();
        let mut blink = steady;
        blink[30] = SAD;
        let seen = watched(&blink, &ObserveOptions::default())
            .unwrap()
            .unwrap();
        assert_eq!(seen.observed.shares, expected.observed.shares);
        // At the very start it counts as one frame of 75, and two frames in a row are what the face showed.
        let mut start = steady;
        start[0] = SAD;
        let mut two = steady;
        two[30..32].fill(SAD);
        for (shown, frames) in [(start, 1.0), (two, 2.0)] {
            let seen = watched(&shown, &ObserveOptions::default())
                .unwrap()
                .unwrap();
            let moved =
                share(&expected, Expression::Happiness) - share(&seen, Expression::Happiness);
            assert!((moved - 0.6 * frames / 75.0).abs() < 1e-6, "{moved}");
        }
    }

    #[test]
    fn three_expressions_in_three_frames_stay_as_they_are() {
        let shown = [HAPPY, SAD, Some(&[Expression::Fear][..])];
        let seen = watched(&shown, &ObserveOptions::default())
            .unwrap()
            .unwrap();
        assert!((seen.observed.shares.iter().sum::<f64>() - 1.0).abs() < 1e-6);
        assert!(share(&seen, Expression::Happiness) > share(&seen, Expression::Anger));
    }

    #[test]
    fn the_largest_face_counts_and_frames_without_a_face_are_counted() {
        let two: Option<&[Expression]> = Some(&[Expression::Happiness, Expression::Sadness]);
        let shown = [HAPPY, two, NOBODY, None, HAPPY];
        let seen = watched(&shown, &ObserveOptions::default())
            .unwrap()
            .unwrap();
        let observed = &seen.observed;
        assert_eq!((observed.frames, observed.without_face), (3, 1));
        assert_eq!((observed.several, seen.damaged), (1, 1));
        assert!((share(&seen, Expression::Happiness) - 0.65).abs() < 1e-6);
        assert!((seen.seconds_per_frame - 0.2).abs() < 1e-9);
    }

    #[test]
    fn a_stream_is_watched_only_as_long_as_was_asked_for() {
        let options = ObserveOptions {
            is_live: true,
            length_s: Some(2.0),
            ..ObserveOptions::default()
        };
        // An eleventh frame would be sad.
        let shown = [[HAPPY; 10], [SAD; 10]].concat();
        let seen = watched(&shown, &options).unwrap().unwrap();
        assert_eq!(seen.observed.frames, 10);
        assert!((share(&seen, Expression::Happiness) - 0.65).abs() < 1e-6);
    }

    #[test]
    fn frames_without_a_face_or_that_are_all_damaged_are_errors() {
        let options = ObserveOptions::default();
        let error = watched(&[NOBODY; 3], &options).err().unwrap().to_string();
        assert!(error.contains("none of 3 frames shows a face"), "{error}");
        let error = watched(&[None; 3], &options).err().unwrap();
        assert_eq!(error.kind(), ErrorKind::Damaged);
        assert!(watched(&[], &options).unwrap().is_none());
    }

    #[test]
    fn a_stretch_of_a_directory_is_its_end_or_begins_at_the_start() {
        let all: Vec<PathBuf> = (0..20).map(|n| n.to_string().into()).collect();
        let names = |start_s: Option<f64>, length_s: f64| {
            let found = stretch(all.clone(), Some(Excerpt { start_s, length_s }), RATE);
            (found.len(), found[0].display().to_string())
        };
        assert_eq!(names(None, 2.0), (10, "10".to_owned()));
        assert_eq!(names(None, 60.0), (20, "0".to_owned()));
        assert_eq!(names(Some(1.0), 2.0), (10, "5".to_owned()));
        assert_eq!(names(Some(9.0), 2.0), (10, "10".to_owned()));
        assert_eq!(stretch(all.clone(), None, RATE), all);
    }
}
