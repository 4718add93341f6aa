//! The expressions of a face over a stretch of time.

use super::{
    columns::{Columns, Shares},
    rows::{Row, empty, read},
};
use crate::{
    clock::position,
    emotion::{Expression, scaled_to},
    error::{Error, Result},
};
use std::{
    io::BufRead,
    ops::{ControlFlow, Range},
};

/// Times that differ by less than this are equal: they are written with so few digits.
const SAME: f64 = 1e-6;

/// Which rows count, and when they were.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(crate) struct ObserveOptions {
    /// The rows are of a program that may still be writing; they are read only as far as needed.
    pub is_live: bool,
    /// Seconds to take; `None` takes all rows.
    pub length_s: Option<f64>,
    /// Seconds from the first row to the first one taken. `None` takes the end of a file and the start of live rows.
    pub start_s: Option<f64>,
    /// Frames per second. Where it is given, the numbers of the frames (else of the rows) tell the times.
    pub frames_per_second: Option<f64>,
}

/// The expressions that a face showed.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Observation {
    /// The mean share of each expression over the frames, in the order of [`Expression::ALL`], sum 1. Each frame counts the
    /// same; the faces of a frame are averaged.
    pub shares: [f64; Expression::COUNT],
    /// Frames with a face.
    pub frames: usize,
    /// Frames in which no face was recognized.
    pub without_face: usize,
    /// Frames with several faces.
    pub several: usize,
    /// Seconds from the first row, where a stretch was asked for.
    pub seconds: Option<Range<f64>>,
    /// The columns that tell the expression, for people.
    pub columns: String,
}

impl Observation {
    /// ` from 0:05 to 0:20`, where a stretch was asked for.
    pub(crate) fn time_range(&self) -> String {
        self.seconds.as_ref().map_or_else(String::new, |seconds| {
            let (start, end) = (position(seconds.start), position(seconds.end));
            format!(" from {start} to {end}")
        })
    }
}

/// Reads the expressions of a face: CSV, JSON or Parquet with a row for each frame, or for each face of a frame, and either a label
/// or a probability of each expression. Knows the files of DeepFace, py-feat, FER, LibreFace and OpenFace 3.
///
/// # Errors
/// Where the input cannot be read, a cell or column cannot be understood, or no row shows a face.
pub(crate) fn observe(input: impl BufRead, options: &ObserveOptions) -> Result<Observation> {
    let mut observer = Observer::new(options);
    read(input, &mut |row| observer.add(row))?;
    observer.observation()
}

struct Frame {
    /// In the unit of the column; in seconds where frames are counted.
    time: f64,
    /// The sum over its faces.
    shares: Shares,
    faces: u32,
}

/// The frames so far.
pub(super) struct Observer<'a> {
    options: &'a ObserveOptions,
    columns: Option<Columns>,
    key: Option<String>,
    frames: Vec<Frame>,
    /// The earliest and the latest time of the frames.
    first: f64,
    last: f64,
}

impl<'a> Observer<'a> {
    pub(super) fn new(options: &'a ObserveOptions) -> Self {
        Self {
            options,
            columns: None,
            key: None,
            frames: Vec::new(),
            first: f64::INFINITY,
            last: f64::NEG_INFINITY,
        }
    }

    /// Adds a frame at a time in seconds, with the expressions of its face where it shows one; stops a stream when it has shown
    /// enough.
    pub(super) fn add_frame(&mut self, time: f64, face: Option<Shares>) -> ControlFlow<()> {
        self.push(time);
        if let Some(shares) = face {
            self.add_face(shares);
        }
        self.flow()
    }

    /// Replaces each expression's share of a frame by the median of the frame and its two neighbors with a face, so that what
    /// only one frame shows is passed over. The first and the last frame stay as they are.
    pub(super) fn smooth(&mut self) {
        let shown = self.frames.iter_mut().filter(|frame| frame.faces > 0);
        let mut shown: Vec<&mut Frame> = shown.collect();
        let before: Vec<Shares> = shown.iter().map(|frame| frame.shares).collect();
        for (frame, three) in shown.iter_mut().skip(1).zip(before.windows(3)) {
            let median = std::array::from_fn(|expression| {
                let [a, b, c] = [0, 1, 2].map(|neighbor| three[neighbor][expression]);
                a.min(b).max(a.max(b).min(c))
            });
            // Where three frames show three expressions, no median is above zero.
            if let Some(median) = scaled_to(1.0, median) {
                frame.shares = median;
            }
        }
    }

    /// Adds a row; stops a stream when it has shown enough.
    fn add(&mut self, row: &Row<'_>) -> Result<ControlFlow<()>> {
        // An image without faces has no columns either.
        let is_empty = row.names.is_empty();
        if !is_empty && self.columns.as_ref().is_none_or(|c| c.names != row.names) {
            self.columns = Some(Columns::new(row.names)?);
        }
        let columns = self.columns.as_ref().filter(|_| !is_empty);
        let (key, faces) = match columns {
            Some(columns) => (columns.frame_key(row), columns.faces(row)?),
            None => (row.image.map(|image| image.to_string()), Vec::new()),
        };
        if key.is_none() || key != self.key {
            let time = self.time(row, columns)?;
            self.push(time);
            self.key = key;
        }
        for face in faces {
            self.add_face(face);
        }
        Ok(self.flow())
    }

    /// Begins a frame.
    fn push(&mut self, time: f64) {
        self.first = self.first.min(time);
        self.last = self.last.max(time);
        self.frames.push(Frame {
            time,
            shares: [0.0; Expression::COUNT],
            faces: 0,
        });
    }

    /// Adds a face to the last frame.
    fn add_face(&mut self, face: Shares) {
        if let Some(frame) = self.frames.last_mut() {
            for (sum, share) in frame.shares.iter_mut().zip(face) {
                *sum += share;
            }
            frame.faces += 1;
        }
    }

    fn flow(&self) -> ControlFlow<()> {
        match self.options.is_live && self.is_enough() {
            true => ControlFlow::Break(()),
            false => ControlFlow::Continue(()),
        }
    }

    /// The time of a row that begins a frame.
    fn time(&self, row: &Row<'_>, columns: Option<&Columns>) -> Result<f64> {
        if self.options.length_s.is_none() {
            return Ok(f64::NAN);
        }
        if let Some(rate) = self.options.frames_per_second {
            let number = match columns {
                Some(columns) => columns.frame_number(row)?,
                None => row.image.map(|image| image as f64),
            };
            return Ok(number.unwrap_or(self.frames.len() as f64) / rate);
        }
        let time = columns.map_or(Ok(None), |columns| columns.time(row))?;
        // A frame without a time, because nothing was recognized in it, gets that of the frame before.
        Ok(time.unwrap_or_else(|| self.frames.last().map_or(f64::NAN, |frame| frame.time)))
    }

    /// Seconds from the start of the first frame to the end of the last, and the factor from times to seconds; `None` where
    /// no times are known.
    fn length(&self) -> Option<(f64, f64)> {
        if self.first > self.last {
            return None;
        }
        let steps = self.frames.len().saturating_sub(1).max(1) as f64;
        let step = (self.last - self.first) / steps;
        let are_milliseconds = self.columns.as_ref().is_some_and(|c| c.are_milliseconds);
        let scale = match self.first.abs() {
            _ if self.options.frames_per_second.is_some() => 1.0,
            // LibreFace writes seconds in a column of milliseconds; it would be more than 1000 frames per second.
            _ if are_milliseconds && step > 0.0 && step < 1.0 => 1.0,
            _ if are_milliseconds => 1e-3,
            // Since 1970 in nanoseconds, microseconds or milliseconds.
            first if first >= 1e17 => 1e-9,
            first if first >= 1e14 => 1e-6,
            first if first >= 1e11 => 1e-3,
            _ => 1.0,
        };
        Some(((self.last - self.first + step) * scale, scale))
    }

    /// Whether a stream has shown the stretch that was asked for.
    fn is_enough(&self) -> bool {
        let Some(wanted) = self.options.length_s else {
            return false;
        };
        let until = self.options.start_s.unwrap_or(0.0) + wanted;
        let length = self.length();
        self.frames.len() > 1 && length.is_some_and(|(length, _)| length >= until - SAME)
    }

    /// The observation.
    ///
    /// # Errors
    /// Where there is no frame, or none with a face.
    pub(super) fn observation(self) -> Result<Observation> {
        if self.frames.is_empty() {
            return Err(empty());
        }
        let seconds = self.stretch();
        let scale = self.length().map_or(1.0, |(_, scale)| scale);
        let is_in = |frame: &&Frame| match &seconds {
            Some(seconds) => {
                let at = (frame.time - self.first) * scale;
                at >= seconds.start - SAME && (at < seconds.end - SAME || self.first == self.last)
            }
            None => true,
        };
        let columns = self.columns.as_ref();
        let mut observed = Observation {
            shares: [0.0; Expression::COUNT],
            frames: 0,
            without_face: 0,
            several: 0,
            columns: columns.map(Columns::description).unwrap_or_default(),
            seconds: seconds.clone(),
        };
        for frame in self.frames.iter().filter(is_in) {
            if frame.faces == 0 {
                observed.without_face += 1;
                continue;
            }
            observed.frames += 1;
            observed.several += usize::from(frame.faces > 1);
            for (sum, share) in observed.shares.iter_mut().zip(frame.shares) {
                *sum += share / f64::from(frame.faces);
            }
        }
        if observed.frames == 0 {
            return Err(Error::invalid(format!(
                "none of {} rows{} shows a face that was recognized",
                observed.without_face,
                observed.time_range()
            )));
        }
        for share in &mut observed.shares {
            *share /= observed.frames as f64;
        }
        Ok(observed)
    }

    /// The stretch that counts, in seconds from the first row.
    fn stretch(&self) -> Option<Range<f64>> {
        let wanted = self.options.length_s?;
        let (total, _) = self.length()?;
        let latest = (total - wanted).max(0.0);
        let start = match self.options.start_s {
            Some(start) => start.min(latest),
            None if self.options.is_live => 0.0,
            None => latest,
        };
        Some(start..(start + wanted).min(total.max(start + SAME)))
    }
}
