//! `report.html` of a run.

use super::outcome::Job;
use crate::{
    cli::scores::about,
    evaluate::{
        JudgedSong, RunScores,
        html::{self, DataFacts, Epoch, ModelFacts, RunReport, Training},
    },
    model::Model,
    train::EpochScores,
};

/// How one training went.
pub struct Course {
    /// What to call it.
    pub name: String,
    /// Every epoch's figures.
    pub history: Vec<EpochScores>,
    /// The epoch that was kept, 0 first, where validation decided it.
    pub kept: Option<usize>,
    /// Mean absolute error of the mean vector on the validation songs.
    pub validation_baseline: Option<f64>,
}

impl Course {
    fn told(&self) -> Training {
        let epochs = self.history.iter().map(|scores| Epoch {
            epoch: scores.epoch,
            loss: scores.loss,
            validation_mae: scores.validation_mae,
            learning_rate: scores.learning_rate,
        });
        Training {
            name: self.name.clone(),
            epochs: epochs.collect(),
            kept: self.kept,
            validation_baseline: self.validation_baseline,
        }
    }
}

impl Job<'_> {
    /// Writes the page. `size` is that of the network: parameters, and bytes of the file.
    pub fn write_report(
        &self,
        model: &Model,
        size: (usize, usize),
        courses: &[Course],
        songs: &[JudgedSong],
        scores: &RunScores,
    ) -> crate::Result<()> {
        let metadata = model.metadata();
        let training = &metadata.training;
        let trainings: Vec<Training> = courses.iter().map(Course::told).collect();
        let report = RunReport {
            title: &format!("{} trained on {}", metadata.name, self.run.data_name),
            model: ModelFacts {
                name: metadata.name.clone(),
                identity: Some(model.identity().to_owned()),
                parameters: Some(size.0),
                file_bytes: Some(size.1 as u64),
                trained_on: Some(format!("{} ({} songs)", training.name, training.songs)),
            },
            data: DataFacts {
                name: self.run.data_name.to_owned(),
                split: Some(self.division.method()),
                labels: Some(about(&self.labels)),
            },
            recipe: Some(&training.recipe),
            preprocessing: &metadata.preprocessing,
            trainings: &trainings,
            songs,
            scores,
        };
        html::write(&self.folder.file("report.html"), &report)
    }
}
