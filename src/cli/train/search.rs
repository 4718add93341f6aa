//! `--search`: trials of recipes, their table, their picture, and the best recipe.

use super::{
    Session, adapted, audio_of, check_sources, directory, division::Division, teachers_targets,
};
use crate::{
    atomic_file,
    cli::{CliError, CliResult, Exit, Table, file_name},
    dataset::Part,
    error::{ErrorKind, one_line},
    evaluate::{Scores, decimals},
    figure::{ACCENT, Chart, MUTED},
    model::Recipe,
    text::count,
    train::{
        Event, Run, Songs,
        search::{Space, Trial, TrialResult, measure, promoted, rungs},
    },
};
use serde::{Deserialize, Serialize};
use std::{cmp::Reverse, fs, io::Write as _, path::Path, slice, sync::atomic::Ordering};

/// The version of `trials.json`; raise it when what is kept there changes.
const FORMAT_VERSION: u32 = 1;
/// The search so far.
const RECORD: &str = "trials.json";

/// The content of `trials.json`.
#[derive(Serialize, Deserialize)]
struct Record {
    format_version: u32,
    data: String,
    /// The recipe to start from, as TOML.
    recipe: String,
    /// One for each trial and rung.
    results: Vec<TrialResult>,
}

/// Searches the space in a file.
pub(super) fn run(session: &mut Session<'_>, space: &Path) -> CliResult {
    let (args, console, directory) = (session.args, session.console, &session.args.output);
    if args.folds.is_some() {
        bail!(
            "--search with --folds: every song would be a test song of some fold, which a search must not see; search \
             with one split, then train the best recipe with --folds"
        );
    }
    let space = Space::load(space, |recipe| adapted(recipe, args))?;
    check_sources(args, slice::from_ref(&space.base))?;
    let wanted = usize::from(args.trials);
    let trials = space.draw(wanted);
    let is_valid = |number: &usize| trials[number - 1].recipe.is_ok();
    let mut candidates: Vec<usize> = (1..=trials.len()).filter(is_valid).collect();
    if let (true, Some(Err(reason))) = (candidates.is_empty(), trials.first().map(|it| &it.recipe))
    {
        bail!(
            "no combination is a valid recipe; the first: {}",
            one_line(reason)
        );
    }
    if candidates.len() < wanted {
        let found = count(
            candidates.len() as u64,
            "valid combination",
            "valid combinations",
        );
        console.remark(&format!("The search space gave only {found} to try."));
    }
    let data = file_name(&args.data);
    let mut record = Record::open(directory, args.force, data, &space, &trials)?;
    let division = session.divide(&space.base)?;
    fs::create_dir_all(directory)?;
    let lock = directory.join("lock");
    let _lock = directory::lock(&lock, directory)?;
    if args.force {
        for name in ["split.csv", "best.toml"] {
            directory::remove(&directory.join(name))?;
        }
    }
    division.keep_as(&directory.join("split.csv"))?;
    record.save(directory)?;
    let rungs = rungs(candidates.len(), space.base.optimizer.epochs);
    for (place, divisor) in rungs.iter().enumerate() {
        let mut results = Vec::new();
        for (done, number) in candidates.iter().enumerate() {
            let trial = &trials[number - 1];
            let Ok(recipe) = &trial.recipe else { continue };
            let epochs = recipe.optimizer.epochs as f64 / *divisor as f64;
            let epochs = (epochs.round() as usize).max(1);
            let mut known = record.results.iter();
            if let Some(known) = known.find(|it| (it.trial, it.epochs) == (*number, epochs)) {
                results.push(known.clone());
                continue;
            }
            let (rung, of) = (place + 1, rungs.len());
            let label = format!(
                "rung {rung} of {of}, trial {number} ({} of {})",
                done + 1,
                candidates.len()
            );
            let mut recipe = recipe.clone();
            recipe.optimizer.epochs = epochs;
            let scores = match session.try_recipe(&recipe, &division, &label)? {
                Err(reason) if reason.kind() == ErrorKind::Training => Err(one_line(&reason)),
                Err(error) => return session.stopped(directory, "the same command", error.into()),
                Ok(scores) => Ok(scores),
            };
            let result = TrialResult::new(*number, trial, epochs, scores);
            console.remark(&format!("{label}, {epochs} epochs: {}", result.outcome()));
            record.results.push(result.clone());
            record.save(directory)?;
            results.push(result);
        }
        candidates = promoted(&results);
        if let (true, Some(first)) = (candidates.is_empty(), results.first()) {
            bail!("every trial failed; the first: {}", first.outcome());
        }
    }
    let best = candidates[0];
    let output = directory.display();
    let mut options = format!("--recipe {output}/best.toml");
    if let Ok(recipe) = &trials[best - 1].recipe {
        let text = toml::to_string(recipe)?;
        atomic_file::write(&directory.join("best.toml"), |file| {
            file.write_all(text.as_bytes())
        })?;
        // Otherwise a run draws the same test songs.
        if args.split.is_some() || recipe.seed != space.base.seed {
            options += &format!(" --split {output}/split.csv");
        }
    }
    record
        .picture(best)
        .scene()
        .save(&directory.join("trials.svg"))?;
    console.print(&record.table(&space))?;
    fs::remove_file(lock)?;
    console.remark(&format!(
        "Trial {best} is the best. Train it: circumplex train --data {} {options} -o RUN",
        args.data.display()
    ));
    Ok(Exit::of_files(1, session.left_out))
}

impl Session<'_> {
    /// Divides the songs for a search that starts from `base`.
    fn divide(&mut self, base: &Recipe) -> Result<Division, CliError> {
        let mut dataset = self.open(base)?;
        self.load(base, &mut dataset)?;
        let choice = self.args.split.as_ref();
        let division = Division::for_search(&dataset.songs, choice, base.seed, self.console)?;
        self.division = Some(division.clone());
        Ok(division)
    }

    /// Trains a recipe and measures it on the validation songs; or the reason why training ended.
    fn try_recipe(
        &mut self,
        recipe: &Recipe,
        division: &Division,
        label: &str,
    ) -> Result<crate::Result<Scores>, CliError> {
        let (args, console) = (self.args, self.console);
        let mut dataset = self.open(recipe)?;
        let (more, spectrograms) = self.load(recipe, &mut dataset)?;
        let songs = &dataset.songs;
        let (mut training, mut validation) = (Vec::new(), Vec::new());
        for (song, part) in division.parts(songs, &more).into_iter().enumerate() {
            match part.map(|part| Part::ALL[part]) {
                Some(Part::Test) => (),
                Some(Part::Validation) => validation.push(song),
                // Music without labels has no part.
                Some(Part::Train) | None => training.push(song),
            }
        }
        validation.retain(|song| *song < songs.len());
        let targets = teachers_targets(args, recipe, &audio_of(songs, &more), console)?;
        let stop = self.stop()?;
        let bar = console.progress(
            recipe.optimizer.epochs as u64,
            Some("{msg} {bar:30} epoch {pos} of {len}"),
        );
        bar.set_message(label.to_owned());
        let run = Run {
            recipe,
            data_name: &file_name(&args.data),
            songs: Songs {
                songs,
                more: &more,
                words: recipe.votes().map(|set| &set.words),
                spectrograms: &spectrograms,
                targets: &targets,
            },
            device: self.device,
            checkpoints: None,
        };
        let scores = measure(run, &training, &validation, |event| {
            if let Event::Epoch(scores) = event {
                bar.set_position(scores.epoch as u64 + 1);
            }
            !stop.load(Ordering::Relaxed)
        });
        bar.finish_and_clear();
        Ok(scores)
    }
}

impl Record {
    /// Starts a search in a directory, or continues the one that is there.
    fn open(
        directory: &Path,
        force: bool,
        data: String,
        space: &Space,
        trials: &[Trial],
    ) -> Result<Self, CliError> {
        let shown = directory.display();
        let path = directory.join(RECORD);
        let mut record = Self {
            format_version: FORMAT_VERSION,
            data,
            recipe: toml::to_string(&space.base)?,
            results: Vec::new(),
        };
        if path.exists() && !force {
            let found: Self = directory::read_json(&path)?;
            // A search of fewer trials needs only the first ones.
            let is_drawn = |it: &TrialResult| {
                trials
                    .get(it.trial - 1)
                    .is_none_or(|trial| trial.values == it.values)
            };
            if (found.format_version, &found.data) != (FORMAT_VERSION, &record.data)
                || !directory::same_recipe(&found.recipe, &space.base)
                || !found.results.iter().all(is_drawn)
            {
                bail!(
                    "{shown} holds another search (of other data, or with another recipe, seed or space); continue with the \
                     same command, name another directory with -o, or search again with --force"
                );
            }
            record.results = found.results;
        } else if !path.exists() && directory.exists() && fs::read_dir(directory)?.count() > 0 {
            bail!("{shown} holds other files than those of a search; name a new directory with -o");
        }
        for (number, trial) in (1..).zip(trials) {
            if let Err(reason) = &trial.recipe
                && record.results.iter().all(|result| result.trial != number)
            {
                let reason = format!("invalid: {}", one_line(reason));
                record
                    .results
                    .push(TrialResult::new(number, trial, 0, Err(reason)));
            }
        }
        Ok(record)
    }

    fn save(&self, directory: &Path) -> Result<(), CliError> {
        let json = serde_json::to_vec_pretty(self)?;
        Ok(atomic_file::write(&directory.join(RECORD), |file| {
            file.write_all(&json)
        })?)
    }

    /// The results of each trial, with more epochs from one to the next.
    fn by_trial(&self) -> Vec<Vec<&TrialResult>> {
        let mut sorted: Vec<&TrialResult> = self.results.iter().collect();
        sorted.sort_by_key(|result| (result.trial, result.epochs));
        sorted
            .chunk_by(|a, b| a.trial == b.trial)
            .map(<[_]>::to_vec)
            .collect()
    }

    /// The last result of every trial: the trials of the last rung first, of these the best.
    fn table(&self, space: &Space) -> String {
        let mut heading = vec![">trial".to_owned()];
        heading.extend(space.fields().map(|field| format!(">{field}")));
        heading.extend(
            [
                ">epochs",
                ">MAE",
                ">ratio",
                ">R2 valence",
                ">R2 arousal",
                "failure",
            ]
            .map(str::to_owned),
        );
        let mut table = Table::new(heading);
        let mut trials = self.by_trial();
        let ratio = |results: &[&TrialResult]| {
            results
                .last()
                .and_then(|it| it.mae_ratio)
                .unwrap_or(f64::INFINITY)
        };
        trials.sort_by(|a, b| {
            (Reverse(a.len()).cmp(&Reverse(b.len()))).then(ratio(a).total_cmp(&ratio(b)))
        });
        for last in trials.iter().filter_map(|results| results.last()) {
            let mut row = vec![last.trial.to_string()];
            row.extend(last.values.values().map(toml::Value::to_string));
            row.extend([
                last.epochs.to_string(),
                decimals(last.mae, 2),
                decimals(last.mae_ratio, 3),
            ]);
            row.extend([decimals(last.r2_valence, 3), decimals(last.r2_arousal, 3)]);
            row.push(last.failure.clone().unwrap_or_default());
            table.row(row);
        }
        table.render(None)
    }

    /// The error of every trial by its epochs, that of the best in color.
    fn picture(&self, best: usize) -> Chart {
        let mut chart = Chart {
            height: 720,
            x_name: "epochs".to_owned(),
            whole_steps: true,
            y_name: "MAE ratio on validation songs".to_owned(),
            ..Chart::default()
        };
        let mut trials = self.by_trial();
        // The best is painted last.
        trials.sort_by_key(|results| results[0].trial == best);
        for results in trials {
            let (width, color) = match results[0].trial == best {
                true => (5.0, ACCENT),
                false => (2.0, MUTED),
            };
            let points: Vec<_> = results
                .iter()
                .map(|result| (result.epochs as f64, result.mae_ratio.unwrap_or(f64::NAN)))
                .collect();
            for &point in &points {
                chart.dot(point, width + 4.0, color);
            }
            chart.line(points, width, color);
        }
        chart
    }
}
