//! The log of a run: one row per epoch, as CSV and as JSON lines, on the disk as soon as the epoch has ended.

use std::{
    fs::File,
    io::{self, Write as _},
    path::{Path, PathBuf},
};

use serde::Serialize;

use super::fit::EpochScores;
use crate::error::{Error, ErrorKind, Result};

/// Writes `log.csv` and `log.jsonl`. The files are made with the first row, in place of older ones.
#[derive(Debug)]
pub(crate) struct Log {
    csv: PathBuf,
    jsonl: PathBuf,
    files: Option<(csv::Writer<File>, File)>,
}

/// One row. Epochs count from 1, folds from 0 as in `folds.csv`.
#[derive(Debug, Serialize)]
struct Row {
    fold: Option<usize>,
    epoch: usize,
    loss: f64,
    validation_mae: Option<f64>,
    learning_rate: f64,
    seconds: f64,
    outside_libtorch: f64,
}

impl Log {
    /// The log in a run's directory.
    pub(crate) fn new(csv: PathBuf, jsonl: PathBuf) -> Self {
        Self {
            csv,
            jsonl,
            files: None,
        }
    }

    /// Adds an epoch: of a fold (0 first), or of the network that becomes the model.
    ///
    /// # Errors
    /// If a file cannot be written.
    pub(crate) fn add(&mut self, fold: Option<usize>, scores: &EpochScores) -> Result<()> {
        let row = Row {
            fold,
            epoch: scores.epoch + 1,
            loss: scores.loss,
            validation_mae: scores.validation_mae,
            learning_rate: scores.learning_rate,
            seconds: scores.seconds,
            outside_libtorch: scores.outside_libtorch,
        };
        let (csv, jsonl) = match &mut self.files {
            Some(files) => files,
            files => files.insert((
                csv::Writer::from_writer(create(&self.csv)?),
                create(&self.jsonl)?,
            )),
        };
        csv.serialize(&row)
            .map_err(io::Error::from)
            .and_then(|()| csv.flush())
            .map_err(fault(&self.csv))?;
        serde_json::to_string(&row)
            .map_err(io::Error::from)
            .and_then(|line| jsonl.write_all(format!("{line}\n").as_bytes()))
            .map_err(fault(&self.jsonl))
    }
}

fn create(path: &Path) -> Result<File> {
    File::create(path).map_err(fault(path))
}

fn fault(path: &Path) -> impl FnOnce(io::Error) -> Error {
    move |source| {
        Error::new(ErrorKind::Io, "cannot write the log")
            .with_path(path)
            .with_source(source)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_is_on_the_disk_at_once_and_in_both_files() {
        let directory = tempfile::tempdir().unwrap();
        let place = |name: &str| directory.path().join(name);
        let mut log = Log::new(place("log.csv"), place("log.jsonl"));
        assert!(!place("log.csv").exists(), "made with the first row");
        let mut scores = EpochScores {
            epoch: 0,
            loss: 0.5,
            validation_mae: None,
            learning_rate: 0.001,
            seconds: 1.5,
            outside_libtorch: 0.02,
        };
        log.add(Some(1), &scores).unwrap();
        scores.validation_mae = Some(10.25);
        log.add(None, &scores).unwrap();
        let read = |name: &str| std::fs::read_to_string(place(name)).unwrap();
        assert_eq!(
            read("log.csv"),
            "fold,epoch,loss,validation_mae,learning_rate,seconds,outside_libtorch\n\
             1,1,0.5,,0.001,1.5,0.02\n,1,0.5,10.25,0.001,1.5,0.02\n"
        );
        assert_eq!(
            read("log.jsonl").lines().last().unwrap(),
            r#"{"fold":null,"epoch":1,"loss":0.5,"validation_mae":10.25,"learning_rate":0.001,"seconds":1.5,"outside_libtorch":0.02}"#
        );
        let mut log = Log::new(directory.path().to_owned(), place("log.jsonl"));
        assert!(log.add(None, &scores).is_err());
    }
}
