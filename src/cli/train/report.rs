//! `report.html` of a run.

use super::outcome::Job;
use crate::{
    cli::scores::about,
    evaluate::{
        JudgedSong, RunScores,
        html::{self, Epoch, RunReport, Training},
    },
    model::Model,
    train::EpochScores,
};

/// How one training went.
pub(crate) struct Course {
    /// Every epoch's figures.
    pub history: Vec<EpochScores>,
    /// The epoch that was kept, 0 first, where validation decided it.
    pub kept: Option<usize>,
    /// Mean absolute error of the mean vector on the validation songs.
    pub validation_baseline: Option<f64>,
}

impl Course {
    fn training(&self) -> Training {
        let epochs = self.history.iter().map(|scores| Epoch {
            epoch: scores.epoch,
            loss: scores.loss,
            validation_mae: scores.validation_mae,
            learning_rate: scores.learning_rate,
        });
        Training {
            epochs: epochs.collect(),
            kept: self.kept,
            validation_baseline: self.validation_baseline,
        }
    }
}

impl Job<'_> {
    /// Writes the page. `size` is that of the network: parameters, and bytes of the file.
    pub(crate) fn write_report(
        &self,
        model: &Model,
        size: (usize, usize),
        courses: &[Course],
        songs: &[JudgedSong],
        scores: &RunScores,
    ) -> crate::Result<()> {
        let metadata = model.metadata();
        let trainings: Vec<Training> = courses.iter().map(Course::training).collect();
        let report = RunReport {
            title: &format!("{} trained on {}", metadata.name, self.run.data_name),
            metadata,
            identity: model.identity(),
            size: Some(size),
            data: self.run.data_name,
            labels: about(&self.labels),
            trainings: &trainings,
            songs,
            scores,
        };
        html::write(&self.directory.file("report.html"), &report)
    }
}
