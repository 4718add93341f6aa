//! The division of a run's songs: one split, or folds.

use super::directory::{Plan, RunDirectory};
use crate::{
    cli::{CliError, Console},
    dataset::{Folds, Fractions, LabeledSong, Part, Split, SplitMethod, VotedSong, parts_of_voted},
};
use std::{
    fs,
    path::{Path, PathBuf},
};

/// A fifth is the test, as in the published split of DEAM (361 of 1,802 songs); a tenth decides the epoch.
const FRACTIONS: Fractions = Fractions {
    test: 0.2,
    validation: 0.1,
};

/// `--split`: how songs are divided.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum SplitChoice {
    /// By song.
    Random,
    /// By artist.
    Artist,
    /// As a file says.
    File(PathBuf),
}

impl From<&str> for SplitChoice {
    fn from(text: &str) -> Self {
        match text {
            "random" => Self::Random,
            "artist" => Self::Artist,
            file => Self::File(file.into()),
        }
    }
}

impl SplitChoice {
    /// Finds out before spectrograms are made whether the choice can be followed.
    pub(crate) fn check(&self, songs: &[LabeledSong], folds: bool) -> Result<(), CliError> {
        let Self::File(path) = self else {
            return Ok(());
        };
        let shown = path.display();
        if folds {
            bail!(
                "--split {shown}: a file of parts says nothing of folds; with --folds give random or artist"
            );
        }
        if !path.exists() {
            bail!("--split {shown}: expected random, artist, or a file that exists");
        }
        let split = Split::from_file(path, songs)?;
        for part in [Part::Train, Part::Test] {
            if split.indices(songs, part).is_empty() {
                bail!("--split {shown}: it names no {part} song; expected at least one");
            }
        }
        Ok(())
    }
}

/// The part or the fold of every song.
#[derive(Debug, Clone)]
pub(crate) enum Division {
    /// Training, validation and test songs.
    Split(Split),
    /// Cross-validation.
    Folds(Folds),
}

impl Division {
    /// Draws or reads it.
    pub(crate) fn of(
        songs: &[LabeledSong],
        choice: Option<&SplitChoice>,
        folds: Option<usize>,
        seed: u64,
        console: &Console,
    ) -> Result<Self, CliError> {
        if let Some(SplitChoice::File(path)) = choice {
            let split = Split::from_file(path, songs)?;
            let left_out = songs
                .iter()
                .filter(|song| split.part_of(&song.id).is_none())
                .count();
            if left_out > 0 {
                console.remark(&format!(
                    "{left_out} songs that {} does not name are left out.",
                    path.display()
                ));
            }
            return Ok(Self::Split(split));
        }
        let by_artist = match choice {
            Some(choice) => *choice == SplitChoice::Artist,
            None => songs.iter().any(|song| song.artist.is_some()),
        };
        if choice.is_none() && !by_artist {
            console.remark(
                "No artist is known: songs are split at random, so an artist may be on both sides.",
            );
        }
        Ok(match folds {
            Some(count) => Self::Folds(Folds::draw(songs, count, by_artist, seed)?),
            None => Self::Split(Split::draw(songs, FRACTIONS, by_artist, seed)?),
        })
    }

    /// Whether a song has a part or a fold.
    pub(crate) fn knows(&self, song: &LabeledSong) -> bool {
        match self {
            Self::Split(split) => split.part_of(&song.id).is_some(),
            Self::Folds(folds) => folds.fold_of(&song.id).is_some(),
        }
    }

    /// The part of each of a run's songs: its fold, or the place in [`Part::ALL`]. Further songs, which follow the labeled
    /// ones, have none where they have no votes. No artist is on two sides.
    pub(crate) fn parts(&self, songs: &[LabeledSong], more: &[VotedSong]) -> Vec<Option<usize>> {
        let part = |song: &LabeledSong| match self {
            Self::Split(split) => split.part_of(&song.id).map(|part| part as usize),
            Self::Folds(folds) => folds.fold_of(&song.id),
        };
        let mut parts: Vec<Option<usize>> = songs.iter().map(part).collect();
        let (wanted, seed) = match self {
            // The votes validate nothing.
            Self::Split(split) => (vec![0.8, 0.0, 0.2], split.seed.unwrap_or_default()),
            Self::Folds(folds) => (vec![1.0 / folds.count as f64; folds.count], folds.seed),
        };
        let of_voted = parts_of_voted(songs, &parts, more, &wanted, seed);
        parts.extend(of_voted);
        parts
    }

    /// For a search, which must not see the test songs: of the others, those that a given split names for validation, or
    /// else a quarter, drawn as the split was, validate.
    pub(crate) fn for_search(
        songs: &[LabeledSong],
        choice: Option<&SplitChoice>,
        seed: u64,
        console: &Console,
    ) -> Result<Self, CliError> {
        let division = Self::of(songs, choice, None, seed, console)?;
        let Self::Split(mut split) = division else {
            return Ok(division);
        };
        let is_given = split.method == SplitMethod::File;
        if !is_given || split.ids(Part::Validation).is_empty() {
            let has_artists = songs.iter().any(|song| song.artist.is_some());
            let by_artist = split.method == SplitMethod::Artist || is_given && has_artists;
            split = split.with_validation(songs, 0.25, by_artist, seed)?;
        }
        let [training, validation, test] = Part::ALL.map(|part| split.ids(part).len());
        console.remark(&format!(
            "Trials are trained on {training} songs and compared on {validation}; the {test} test songs are left out."
        ));
        Ok(Self::Split(split))
    }

    /// Writes it into a run's directory; one that is there already, in a run that is resumed or was finished, must be the
    /// same.
    pub(crate) fn keep_in(&self, directory: &RunDirectory) -> Result<(), CliError> {
        let path = directory.file(match self {
            Self::Split(_) => "split.csv",
            Self::Folds(_) => "folds.csv",
        });
        match directory.plan {
            Plan::Begin => Ok(self.save(&path)?),
            _ => self.keep_as(&path),
        }
    }

    /// Writes it; a file that is there already must be the same.
    pub(crate) fn keep_as(&self, path: &Path) -> Result<(), CliError> {
        if !path.exists() {
            return Ok(self.save(path)?);
        }
        let scratch = tempfile::tempdir()?;
        let ours = scratch.path().join("division.csv");
        self.save(&ours)?;
        if fs::read(&ours)? != fs::read(path)? {
            bail!(
                "{} divides other songs, or divides them otherwise, than this command does (has the data, --split or --seed \
                 changed?); continue with the same command and data, or train again with --force",
                path.display()
            );
        }
        Ok(())
    }

    fn save(&self, path: &Path) -> crate::Result<()> {
        match self {
            Self::Split(split) => split.save(path),
            Self::Folds(folds) => folds.save(path),
        }
    }

    /// The name of scores on held-out songs.
    pub(crate) fn method(&self) -> String {
        match self {
            Self::Split(split) => match split.method {
                SplitMethod::Artist => "test songs, no artist in training",
                SplitMethod::Random => "test songs, drawn at random",
                SplitMethod::File => "test songs of a given split",
            }
            .to_owned(),
            Self::Folds(folds) if folds.method == SplitMethod::Artist => {
                format!("out of fold, {} folds without a common artist", folds.count)
            }
            Self::Folds(folds) => format!("out of fold, {} folds", folds.count),
        }
    }
}
