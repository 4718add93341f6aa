//! A stretch of what a face showed.

use super::{
    FaceError,
    layout::{Layout, Shares, Unit},
    rows::{Row, read},
};
use crate::{audio::Excerpt, clock::position, emotion::Expression};
use std::{
    fs::File,
    io::{BufRead, BufReader},
    ops::{ControlFlow, Range},
    path::PathBuf,
};

/// Times that differ by less than this are the same: they are written with so many digits.
const SAME: f64 = 1e-6;

/// Where the rows come from.
pub enum FaceInput<'a> {
    /// A file, which is read to its end.
    File(PathBuf),
    /// A program that may still be writing, which is read as far as is needed.
    Stream {
        /// For messages.
        name: String,
        /// Its rows.
        rows: Box<dyn BufRead + 'a>,
    },
}

/// Which rows count, and when they were.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct FaceOptions {
    /// Only this stretch. Without a start the end of a file, and the beginning of a stream; with one it is counted from the
    /// first row.
    pub stretch: Option<Excerpt>,
    /// Frames in a second. Where it is given, times are told by the numbers of the frames, or by counting rows.
    pub frames_per_second: Option<f64>,
}

/// What a face showed.
#[derive(Debug, Clone, PartialEq)]
pub struct Observation {
    /// The mean share of each expression over the frames, in the order of [`Expression::ALL`], sum 1. Each frame counts the same;
    /// the faces of a frame are averaged.
    pub shares: [f64; Expression::COUNT],
    /// Frames with a face.
    pub frames: usize,
    /// Frames in which no face was recognised.
    pub unsure: usize,
    /// Frames with several faces.
    pub several: usize,
    /// From when to when, in seconds from the first row, where a stretch was asked for.
    pub seconds: Option<Range<f64>>,
    /// The columns that say what the face shows, for people.
    pub columns: String,
}

/// Reads what a face showed: CSV, JSON or Parquet with a row for each frame, or for each face of a frame, and either a label
/// or a probability of each expression. The layouts of DeepFace, py-feat, FER, LibreFace and OpenFace 3 are understood.
///
/// # Errors
/// [`FaceError`].
pub fn observe(input: FaceInput<'_>, options: &FaceOptions) -> Result<Observation, FaceError> {
    let (name, rows, is_live) = match input {
        FaceInput::Stream { name, rows } => (name, rows, true),
        FaceInput::File(path) => {
            let name = path.display().to_string();
            let file = File::open(&path).map_err(|source| FaceError::read(&name, source))?;
            let rows: Box<dyn BufRead> = Box::new(BufReader::new(file));
            (name, rows, false)
        }
    };
    let mut film = Film {
        name: &name,
        options,
        is_live,
        layout: None,
        key: None,
        frames: Vec::new(),
        first: f64::INFINITY,
        last: f64::NEG_INFINITY,
    };
    read(rows, &name, &mut |row| film.add(row))?;
    film.observation()
}

/// One frame.
struct Frame {
    /// In the unit of the column; seconds where frames are counted. Not a number where no times are needed.
    time: f64,
    /// The sum over its faces.
    shares: Shares,
    faces: u32,
}

/// The frames so far.
struct Film<'a> {
    name: &'a str,
    options: &'a FaceOptions,
    is_live: bool,
    layout: Option<Layout>,
    key: Option<String>,
    frames: Vec<Frame>,
    /// The earliest and the latest time of the frames.
    first: f64,
    last: f64,
}

impl Film<'_> {
    /// Takes a row; says when enough was seen.
    fn add(&mut self, row: &Row<'_>) -> Result<ControlFlow<()>, FaceError> {
        // A list without faces has no columns either.
        if !row.names.is_empty() && !self.layout.as_ref().is_some_and(|l| l.is_of(row.names)) {
            self.layout = Some(Layout::new(row.names, self.name)?);
        }
        let layout = self.layout.as_ref().filter(|_| !row.names.is_empty());
        let (key, faces) = match layout {
            Some(layout) => (layout.frame_key(row), layout.faces(row, self.name)?),
            None => (row.image.map(|image| image.to_string()), Vec::new()),
        };
        if key.is_none() || key != self.key {
            let time = self.time(row)?;
            self.first = self.first.min(time);
            self.last = self.last.max(time);
            self.frames.push(Frame {
                time,
                shares: [0.0; Expression::COUNT],
                faces: 0,
            });
            self.key = key;
        }
        if let Some(frame) = self.frames.last_mut() {
            for face in faces {
                for (sum, share) in frame.shares.iter_mut().zip(face) {
                    *sum += share;
                }
                frame.faces += 1;
            }
        }
        Ok(if self.is_live && self.is_enough() {
            ControlFlow::Break(())
        } else {
            ControlFlow::Continue(())
        })
    }

    /// When a row that begins a frame was.
    fn time(&self, row: &Row<'_>) -> Result<f64, FaceError> {
        if self.options.stretch.is_none() {
            return Ok(f64::NAN);
        }
        let layout = self.layout.as_ref().filter(|_| !row.names.is_empty());
        if let Some(rate) = self.options.frames_per_second {
            let number = match layout {
                Some(layout) => layout.frame_number(row, self.name)?,
                None => row.image.map(|image| image as f64),
            };
            return Ok(number.unwrap_or(self.frames.len() as f64) / rate);
        }
        let time = match layout {
            Some(layout) if layout.unit().is_none() => {
                return Err(FaceError::NoTime {
                    name: self.name.to_owned(),
                });
            }
            Some(layout) => layout.time(row, self.name)?,
            None => None,
        };
        // A frame without a time, because nothing was seen in it, was when the one before it was.
        Ok(time.unwrap_or_else(|| self.frames.last().map_or(f64::NAN, |frame| frame.time)))
    }

    /// The mean distance between two frames, in the unit of the times; `None` where no times are known.
    fn step(&self) -> Option<f64> {
        let steps = self.frames.len().saturating_sub(1).max(1) as f64;
        (self.first <= self.last).then(|| (self.last - self.first) / steps)
    }

    /// What a time is to be multiplied with to give seconds.
    fn scale(&self, step: f64) -> f64 {
        let unit = self.layout.as_ref().and_then(Layout::unit);
        let since_1970 = self.first.abs();
        match unit {
            _ if self.options.frames_per_second.is_some() => 1.0,
            // More than 1000 frames in a second: seconds under another name, as LibreFace writes them.
            Some(Unit::Milliseconds) if step > 0.0 && step < 1.0 => 1.0,
            Some(Unit::Milliseconds) => 1e-3,
            // In nanoseconds, microseconds or milliseconds.
            _ if since_1970 >= 1e17 => 1e-9,
            _ if since_1970 >= 1e14 => 1e-6,
            _ if since_1970 >= 1e11 => 1e-3,
            _ => 1.0,
        }
    }

    /// Seconds from the beginning of the first frame to the end of the last, and what times are multiplied with.
    fn length(&self) -> Option<(f64, f64)> {
        let step = self.step()?;
        let scale = self.scale(step);
        Some(((self.last - self.first + step) * scale, scale))
    }

    /// Whether a stream has shown the stretch that was asked for.
    fn is_enough(&self) -> bool {
        let Some(stretch) = self.options.stretch else {
            return false;
        };
        let until = stretch.start_s.unwrap_or(0.0) + stretch.length_s;
        self.frames.len() > 1
            && self
                .length()
                .is_some_and(|(length, _)| length >= until - SAME)
    }

    fn observation(self) -> Result<Observation, FaceError> {
        let Some(layout) = &self.layout else {
            return Err(if self.frames.is_empty() {
                FaceError::Empty {
                    name: self.name.to_owned(),
                }
            } else {
                self.no_face(self.frames.len(), None)
            });
        };
        let seconds = self.stretch();
        let scale = self.length().map_or(1.0, |(_, scale)| scale);
        let is_in = |frame: &&Frame| match &seconds {
            Some(seconds) => {
                let at = (frame.time - self.first) * scale;
                at >= seconds.start - SAME && (at < seconds.end - SAME || self.first == self.last)
            }
            None => true,
        };
        let mut observed = Observation {
            shares: [0.0; Expression::COUNT],
            frames: 0,
            unsure: 0,
            several: 0,
            columns: layout.description(),
            seconds: seconds.clone(),
        };
        for frame in self.frames.iter().filter(is_in) {
            if frame.faces == 0 {
                observed.unsure += 1;
                continue;
            }
            observed.frames += 1;
            observed.several += usize::from(frame.faces > 1);
            for (sum, share) in observed.shares.iter_mut().zip(frame.shares) {
                *sum += share / f64::from(frame.faces);
            }
        }
        if observed.frames == 0 {
            return Err(self.no_face(observed.unsure, seconds));
        }
        for share in &mut observed.shares {
            *share /= observed.frames as f64;
        }
        Ok(observed)
    }

    /// The stretch that counts, in seconds from the first row.
    fn stretch(&self) -> Option<Range<f64>> {
        let stretch = self.options.stretch?;
        let (total, _) = self.length()?;
        let latest = (total - stretch.length_s).max(0.0);
        let start = match stretch.start_s {
            Some(start) => start.min(latest),
            None if self.is_live => 0.0,
            None => latest,
        };
        Some(start..(start + stretch.length_s).min(total.max(start + SAME)))
    }

    fn no_face(&self, rows: usize, seconds: Option<Range<f64>>) -> FaceError {
        FaceError::NoFace {
            name: self.name.to_owned(),
            rows,
            window: seconds.map_or_else(String::new, |seconds| {
                format!(
                    " from {} to {}",
                    position(seconds.start),
                    position(seconds.end)
                )
            }),
        }
    }
}
