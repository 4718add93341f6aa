//! Teachers: networks whose outputs the trained network also learns to predict.

use std::{
    collections::{HashMap, HashSet},
    fs::{self, File},
    path::{Path, PathBuf},
    sync::Arc,
};

use arrow_array::{
    ArrayRef, Float32Array, RecordBatch, StringArray,
    builder::{Float32Builder, ListBuilder},
};
use parquet::{
    file::reader::{FileReader as _, SerializedFileReader},
    record::{Field, Row},
};
use prost::Message as _;
use rayon::prelude::*;
use sha2::{Digest, Sha256};
use tch::Tensor;

use super::{failure, predictions::write as write_parquet};
use crate::{
    contain::catch_panic,
    dataset::decode,
    error::{Context, ErrorKind, Result},
    mel::MelExtractor,
    model::{Attachment, INPUT, Teacher, TeacherInput, onnx::ModelProto, runtime::Network},
    text::listed,
};

/// Songs whose targets are computed between two writes to the disk.
const AT_ONCE: usize = 64;
/// A number that hardly changes tells nothing, whatever it is divided by.
const LEAST_DEVIATION: f64 = 1e-3;

/// The outputs of a teacher for the patches of one song.
#[derive(Debug, Clone, Default, PartialEq)]
struct Patches {
    /// Where each patch starts, in seconds, ascending.
    starts: Vec<f64>,
    /// Row-major `[patches, width]`.
    vectors: Vec<f32>,
}

impl Patches {
    /// The middle of a patch, in seconds.
    fn middle(&self, patch: usize) -> f64 {
        let step = match self.starts[..] {
            [first, second, ..] => second - first,
            _ => 0.0,
        };
        self.starts[patch] + step / 2.0
    }
}

/// The standardized outputs of a teacher for every song of a run.
#[derive(Debug)]
pub(crate) struct Targets {
    at: Attachment,
    /// Numbers per vector.
    pub width: usize,
    songs: Vec<Patches>,
}

impl Targets {
    /// Standardizes what a teacher says of songs: each number of the vectors that training compares with has mean 0 and
    /// deviation 1 over all songs.
    fn new(at: Attachment, width: usize, mut songs: Vec<Patches>) -> Self {
        if at == Attachment::Embedding {
            for patches in &mut songs {
                let count = patches.starts.len() as f32;
                let mut mean = vec![0.0; width];
                for vector in patches.vectors.chunks_exact(width) {
                    mean.iter_mut()
                        .zip(vector)
                        .for_each(|(sum, value)| *sum += value / count);
                }
                *patches = Patches {
                    starts: vec![0.0],
                    vectors: mean,
                };
            }
        }
        let rows = || {
            songs
                .iter()
                .flat_map(|patches| patches.vectors.chunks_exact(width))
        };
        let count = rows().count() as f64;
        let scales: Vec<(f32, f32)> = (0..width)
            .map(|column| {
                let values = || rows().map(|row| f64::from(row[column]));
                let mean = values().sum::<f64>() / count;
                let variance = values().map(|value| (value - mean).powi(2)).sum::<f64>() / count;
                (mean as f32, variance.sqrt().max(LEAST_DEVIATION) as f32)
            })
            .collect();
        for patches in &mut songs {
            for vector in patches.vectors.chunks_exact_mut(width) {
                for (value, (mean, deviation)) in vector.iter_mut().zip(&scales) {
                    *value = (*value - mean) / deviation;
                }
            }
        }
        Self { at, width, songs }
    }

    /// The targets of windows of the songs at `positions`, each of which starts at a time in seconds and plays at a tempo:
    /// `[windows, moments, width]` at the times `moments` after the window's start, or `[windows, width]`.
    pub(super) fn of_windows(
        &self,
        positions: &[usize],
        windows: &[(f64, f64)],
        moments: &[f64],
    ) -> Tensor {
        let mut values = Vec::new();
        for (&song, (start, tempo)) in positions.iter().zip(windows) {
            match self.at {
                Attachment::Embedding => values.extend_from_slice(&self.songs[song].vectors),
                Attachment::Features => {
                    for moment in moments {
                        self.interpolate(song, start + moment * tempo, &mut values);
                    }
                }
            }
        }
        let (windows, width) = (positions.len() as i64, self.width as i64);
        let tensor = Tensor::from_slice(&values);
        match self.at {
            Attachment::Embedding => tensor.reshape([windows, width]),
            Attachment::Features => tensor.reshape([windows, moments.len() as i64, width]),
        }
    }

    /// A hash of what the teacher says of the song at a position.
    pub(super) fn digest(&self, song: usize) -> [u8; 32] {
        let mut hash = Sha256::new();
        for value in &self.songs[song].vectors {
            hash.update(value.to_le_bytes());
        }
        hash.finalize().into()
    }

    /// Appends the vector at a time: on the line between the middles of the two patches around it.
    fn interpolate(&self, song: usize, time: f64, out: &mut Vec<f32>) {
        let patches = &self.songs[song];
        let count = patches.starts.len();
        let row = |patch: usize| &patches.vectors[patch * self.width..(patch + 1) * self.width];
        let after = (0..count).find(|&patch| patches.middle(patch) > time);
        let (before, after) = match after {
            Some(0) => (0, 0),
            Some(after) => (after - 1, after),
            None => (count - 1, count - 1),
        };
        let span = patches.middle(after) - patches.middle(before);
        let share = match span > 0.0 {
            true => ((time - patches.middle(before)) / span) as f32,
            false => 0.0,
        };
        let pairs = row(before).iter().zip(row(after));
        out.extend(pairs.map(|(before, after)| before * (1.0 - share) + after * share));
    }
}

/// The outputs of a teacher for the music in `files`, in their order. Those of an ONNX file are kept in
/// `directory/NAME-IDENTITY`, in Parquet files; those that are there are not computed again. `on_song` is called, from
/// several threads, for each song that is done.
///
/// # Errors
/// If the teacher cannot be read or run, a song cannot be decoded, or a table lacks a song.
pub(crate) fn targets(
    teacher: &Teacher,
    directory: &Path,
    files: &[PathBuf],
    on_song: impl Fn() + Sync,
) -> Result<Targets> {
    let file = directory.join(&teacher.file);
    let keys: Vec<String> = files.iter().map(|file| key(file)).collect();
    let mut known = HashMap::new();
    let place = match &teacher.input {
        None => {
            read(&file, &mut known)?;
            format!("{}", file.display())
        }
        Some(input) => {
            let runner = Runner::load(teacher, input, &file)?;
            let kept = directory.join(format!("{}-{}", teacher.name, runner.identity));
            fs::create_dir_all(&kept).context_at(ErrorKind::Io, &kept, UNWRITABLE)?;
            let mut parts = parts_of(&kept)?;
            for part in &parts {
                read(part, &mut known)?;
            }
            let mut seen = HashSet::new();
            let missing: Vec<(&String, &PathBuf)> = (keys.iter().zip(files))
                .filter(|(key, _)| !known.contains_key(*key) && seen.insert(*key))
                .collect();
            (0..files.len() - missing.len()).for_each(|_| on_song());
            for some in missing.chunks(AT_ONCE) {
                let outcomes: Result<Vec<Patches>> = some
                    .par_iter()
                    .with_max_len(1)
                    .map(|(_, file)| {
                        let patches = runner.patches(file);
                        on_song();
                        patches
                    })
                    .collect();
                let songs = some.iter().map(|(key, _)| (*key).clone());
                let rows: Vec<(String, Patches)> = songs.zip(outcomes?).collect();
                let part = kept.join(format!("part-{:05}.parquet", parts.len()));
                write(&part, &rows)?;
                parts.push(part);
                known.extend(rows);
            }
            format!("{}", kept.display())
        }
    };
    let absent: Vec<&String> = keys
        .iter()
        .filter(|key| !known.contains_key(*key))
        .collect();
    if !absent.is_empty() {
        return Err(failure(format!(
            "the teacher {} has no row for {} of {} songs ({}); expected a row with the path of each",
            teacher.name,
            absent.len(),
            files.len(),
            listed(&absent, 3)
        ))
        .with_path(&place));
    }
    let songs: Vec<Patches> = keys.iter().map(|key| known[key].clone()).collect();
    let widths: HashSet<usize> = songs
        .iter()
        .map(|patches| patches.vectors.len() / patches.starts.len())
        .collect();
    match widths.iter().collect::<Vec<_>>()[..] {
        [&width] if width > 0 => Ok(Targets::new(teacher.at, width, songs)),
        _ => {
            let message = format!(
                "the vectors of the teacher {} differ in length",
                teacher.name
            );
            Err(failure(message).with_path(&place))
        }
    }
}

const UNWRITABLE: &str = "cannot keep a teacher's outputs; choose another --teachers";
const NOT_A_TABLE: &str = "cannot be read as a table of a teacher's outputs; expected Parquet with path, start_s and vector";

/// The path by which a table names a song.
fn key(file: &Path) -> String {
    let absolute = std::path::absolute(file);
    absolute.as_deref().unwrap_or(file).display().to_string()
}

fn parts_of(directory: &Path) -> Result<Vec<PathBuf>> {
    let entries =
        fs::read_dir(directory).context_at(ErrorKind::Io, directory, "cannot be listed")?;
    let mut parts: Vec<PathBuf> = entries
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| {
            path.extension()
                .is_some_and(|extension| extension == "parquet")
        })
        .collect();
    parts.sort();
    Ok(parts)
}

/// Adds the rows of a table to what is known.
fn read(path: &Path, known: &mut HashMap<String, Patches>) -> Result<()> {
    let file = File::open(path).context_at(ErrorKind::Io, path, NOT_A_TABLE)?;
    // The reader panics on some damaged files.
    let rows = catch_panic(|| -> Result<Vec<Row>, parquet::errors::ParquetError> {
        SerializedFileReader::new(file)?
            .get_row_iter(None)?
            .collect()
    });
    let rows = rows.context_at(ErrorKind::Training, path, NOT_A_TABLE)?;
    for row in rows.context_at(ErrorKind::Training, path, NOT_A_TABLE)? {
        let (mut song, mut start, mut vector) = (None, 0.0, Vec::new());
        for (name, field) in row.get_column_iter() {
            match (name.as_str(), field) {
                ("path", Field::Str(path)) => song = Some(path.clone()),
                ("start_s", Field::Float(seconds)) => start = f64::from(*seconds),
                ("start_s", Field::Double(seconds)) => start = *seconds,
                ("vector", Field::ListInternal(list)) => {
                    let numbers: Option<Vec<f32>> = list.elements().iter().map(number).collect();
                    vector = numbers.unwrap_or_default();
                }
                _ => {}
            }
        }
        let finite = vector.iter().all(|value| value.is_finite()) && start.is_finite();
        let (Some(song), true, true) = (song, !vector.is_empty(), finite) else {
            return Err(failure(NOT_A_TABLE).with_path(path));
        };
        let patches = known.entry(song).or_default();
        patches.starts.push(start);
        patches.vectors.extend(vector);
    }
    Ok(())
}

fn number(field: &Field) -> Option<f32> {
    match field {
        Field::Float(value) => Some(*value),
        Field::Double(value) => Some(*value as f32),
        _ => None,
    }
}

fn write(path: &Path, songs: &[(String, Patches)]) -> Result<()> {
    let (mut paths, mut starts) = (Vec::new(), Vec::new());
    let mut vectors = ListBuilder::new(Float32Builder::new());
    for (song, patches) in songs {
        let width = patches.vectors.len() / patches.starts.len();
        for (start, vector) in patches
            .starts
            .iter()
            .zip(patches.vectors.chunks_exact(width))
        {
            paths.push(song.as_str());
            starts.push(*start as f32);
            vectors.values().append_slice(vector);
            vectors.append(true);
        }
    }
    let columns: [(&str, ArrayRef); 3] = [
        ("path", Arc::new(StringArray::from(paths))),
        ("start_s", Arc::new(Float32Array::from(starts))),
        ("vector", Arc::new(vectors.finish())),
    ];
    write_parquet(path, RecordBatch::try_from_iter(columns))
}

/// A teacher that runs.
struct Runner<'a> {
    input: &'a TeacherInput,
    network: Arc<Network>,
    /// Twelve hexadecimal digits that another network, or another spectrogram for it, has not.
    identity: String,
}

impl<'a> Runner<'a> {
    fn load(teacher: &Teacher, input: &'a TeacherInput, file: &Path) -> Result<Self> {
        let unreadable = "cannot read the teacher's ONNX file; `cargo xtask teachers` makes those of best-cnn-felt, and \
                          --teachers says in which directory they are";
        let bytes = fs::read(file).context_at(ErrorKind::Training, file, unreadable)?;
        let proto = ModelProto::decode(&bytes[..]);
        let proto = proto.context_at(ErrorKind::Training, file, "is no ONNX file")?;
        let outputs: Vec<&str> = teacher.outputs.iter().map(String::as_str).collect();
        let shape = [1, input.features.n_mels, input.frames];
        let network = Network::new(proto, INPUT, &shape, &outputs).map_err(|reason| {
            failure(format!("cannot run the teacher: {reason}")).with_path(file)
        })?;
        let mut hash = Sha256::new_with_prefix(&bytes);
        hash.update(format!("{input:?} {outputs:?}"));
        Ok(Self {
            input,
            network: Arc::new(network),
            identity: format!("{:x}", hash.finalize())[..12].to_owned(),
        })
    }

    /// The outputs for a song, patch by patch; a rest that fills no patch is left out. A song that is shorter than a patch is
    /// repeated.
    fn patches(&self, file: &Path) -> Result<Patches> {
        let mel = &self.input.features;
        let samples = decode(file, mel.sample_rate)?;
        let mut levels = Vec::new();
        let mut extractor = MelExtractor::new(mel)?;
        let frames = extractor.compute(&samples, &mut levels);
        let length = self.input.frames;
        let mut patches = Patches::default();
        for start in (0..=frames.saturating_sub(length)).step_by(length) {
            let mut patch = Vec::with_capacity(mel.n_mels * length);
            for band in levels.chunks_exact(frames) {
                patch.extend((start..start + length).map(|frame| band[frame % frames]));
            }
            let outputs = self.network.run(&patch).map_err(|reason| {
                failure(format!("the teacher failed on a patch: {reason}")).with_path(file)
            })?;
            let seconds = (start * mel.hop_length) as f64 / f64::from(mel.sample_rate);
            patches.starts.push(seconds);
            patches.vectors.extend(outputs.concat());
        }
        if let Some(value) = patches.vectors.iter().find(|value| !value.is_finite()) {
            return Err(failure(format!("the teacher answers {value}")).with_path(file));
        }
        Ok(patches)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::one_line;

    fn patches(starts: &[f64], vectors: &[f32]) -> Patches {
        Patches {
            starts: starts.to_vec(),
            vectors: vectors.to_vec(),
        }
    }

    fn numbers(tensor: &Tensor) -> Vec<f32> {
        Vec::try_from(tensor.flatten(0, -1)).unwrap()
    }

    #[test]
    fn targets_are_standardized_and_interpolated_between_the_middles_of_patches() {
        let songs = vec![
            patches(&[0.0, 2.0, 4.0], &[0.0, 5.0, 10.0, 5.0, 20.0, 5.0]),
            patches(&[0.0], &[10.0, 5.0]),
        ];
        let targets = Targets::new(Attachment::Features, 2, songs);
        // Mean 10; deviation sqrt(200 / 4). The second number never changes.
        let unit = 10.0 / 50.0_f32.sqrt();
        let at = targets.of_windows(&[0, 1], &[(1.0, 1.0), (0.0, 1.0)], &[0.0, 1.0, 9.0]);
        assert_eq!(at.size(), [2, 3, 2]);
        let expected = [
            -unit,
            0.0,
            -unit / 2.0,
            0.0,
            unit,
            0.0,
            0.0,
            0.0,
            0.0,
            0.0,
            0.0,
            0.0,
        ];
        for (value, expected) in numbers(&at).iter().zip(expected) {
            assert!((value - expected).abs() < 1e-5, "{:?}", numbers(&at));
        }
        // Twice as fast, a moment is twice as far in the song.
        let fast = targets.of_windows(&[0], &[(0.0, 2.0)], &[1.0]);
        assert!((numbers(&fast)[0] + unit / 2.0).abs() < 1e-5);
    }

    #[test]
    fn an_embedding_is_compared_with_the_mean_of_the_song() {
        let songs = vec![patches(&[0.0, 3.0], &[0.0, 4.0]), patches(&[0.0], &[4.0])];
        let targets = Targets::new(Attachment::Embedding, 1, songs);
        let both = targets.of_windows(&[1, 0], &[(7.0, 1.0), (0.0, 1.0)], &[]);
        assert_eq!(both.size(), [2, 1]);
        assert_eq!(numbers(&both), [1.0, -1.0]);
    }

    #[test]
    fn a_table_survives_writing_and_one_that_lacks_a_song_is_an_error() {
        let directory = tempfile::tempdir().unwrap();
        let [a, b] = ["a.mp3", "b.mp3"].map(|name| directory.path().join(name));
        let table = directory.path().join("t.parquet");
        let rows = [
            (key(&a), patches(&[0.0, 3.0], &[0.5, 1.5, 2.5, 3.5])),
            (key(&b), patches(&[0.0], &[4.0, 5.0])),
        ];
        write(&table, &rows).unwrap();
        let mut known = HashMap::new();
        read(&table, &mut known).unwrap();
        assert_eq!(known, rows.into_iter().collect());
        let teacher = Teacher {
            name: "table".to_owned(),
            file: table.file_name().unwrap().into(),
            outputs: vec![],
            at: Attachment::Features,
            weight: 1.0,
            input: None,
        };
        let found = targets(&teacher, directory.path(), &[b.clone(), a], || ()).unwrap();
        assert_eq!((found.width, found.songs.len()), (2, 2));
        let other = directory.path().join("c.mp3");
        let error = targets(&teacher, directory.path(), &[b, other], || ()).unwrap_err();
        let text = one_line(&error);
        assert!(
            text.contains("no row for 1 of 2 songs") && text.contains("c.mp3"),
            "{text}"
        );
    }
}
