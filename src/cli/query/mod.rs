//! `circumplex query`: the songs of a library that are nearest to an answer.

mod choice;
mod exclude;
mod output;
mod outside;
mod play;
mod question;

use self::{choice::Choice, output::Output, question::Question};
use super::{CliError, CliResult, Console, Exit, LibraryChoice, library::provenance};
use crate::{
    emotion::EmotionVector,
    library::Library,
    output::Format,
    search::{Match, Query, Questions, answer_many, parse_target},
};
use std::{num::NonZeroUsize, path::PathBuf};

/// Find the songs of a library that are nearest to some emotions, a face, a point on the plane or other songs
#[derive(clap::Args)]
#[command(
    after_help = "The emotions, in their order: happy, excited, tense, frustrated, depressed, tired, calm, content.\n\
                  Silent songs are never among the answers."
)]
pub(crate) struct Args {
    #[command(flatten)]
    library: LibraryChoice,
    #[command(flatten)]
    question: Question,
    /// How many songs, or `all` [default: 5]
    #[arg(short, value_name = "K", value_parser = parse_count)]
    k: Option<NonZeroUsize>,
    #[command(flatten)]
    choice: Choice,
    /// A playlist that walks from what is asked to this feeling: an emotion, or written as for --emotions, --vector or
    /// valence=7,arousal=3
    #[arg(long, value_name = "TARGET", value_parser = parse_target, conflicts_with_all = ["explore", "queries"], allow_hyphen_values = true)]
    mood_shift: Option<EmotionVector>,
    /// Songs of that playlist [default: K]
    #[arg(long, value_name = "N", requires = "mood_shift")]
    steps: Option<NonZeroUsize>,
    /// Answer the questions of a Parquet file, a vector a row (a column `emotions` of lists, or a column for each emotion; `id`
    /// names them), and write a Parquet file of query, rank, song and similarity to -o
    #[arg(long, value_name = "FILE", conflicts_with_all = ["asked", "unlike", "format", "json", "relative", "play", "open"], requires = "output")]
    queries: Option<PathBuf>,
    #[command(flatten)]
    output: Output,
    /// Threads that search [default: one for each core]
    #[arg(long, value_name = "N")]
    threads: Option<NonZeroUsize>,
}

/// `-k all`.
const ALL: NonZeroUsize = NonZeroUsize::MAX;
/// Without `-k`.
const DEFAULT_COUNT: NonZeroUsize = NonZeroUsize::MIN.saturating_add(4);

fn parse_count(text: &str) -> Result<NonZeroUsize, String> {
    if text.eq_ignore_ascii_case("all") {
        return Ok(ALL);
    }
    let count = text.parse().ok();
    count.ok_or_else(|| "expected a number of songs, 1 or more, or `all`".to_owned())
}

/// The number of songs in a library, which is not empty.
fn songs_in(library: &Library) -> NonZeroUsize {
    let songs = usize::try_from(library.rows()).unwrap_or(usize::MAX);
    NonZeroUsize::new(songs).unwrap_or(NonZeroUsize::MIN)
}

/// Rejects a number beyond the songs of the library.
fn at_most(count: NonZeroUsize, library: &Library, option: &str) -> Result<NonZeroUsize, CliError> {
    let songs = songs_in(library);
    if count > songs {
        bail!(
            "{option} {count}: {} holds {songs} songs; ask for {songs} or fewer (-k all asks for all)",
            library.name()
        );
    }
    Ok(count)
}

pub(crate) fn run(args: Args, console: &Console) -> CliResult {
    match args.threads {
        None => answer(&args, console),
        Some(threads) => rayon::ThreadPoolBuilder::new()
            .num_threads(threads.get())
            .build()?
            .install(|| answer(&args, console)),
    }
}

fn answer(args: &Args, console: &Console) -> CliResult {
    // Before the library is read: what cannot be written is no reason to wait.
    let format = match args.queries {
        Some(_) => Format::Parquet,
        None => args.output.format()?,
    };
    let library = args.library.open_filled(console)?;
    let k = match args.k {
        None => DEFAULT_COUNT.min(songs_in(&library)),
        Some(ALL) => songs_in(&library),
        Some(k) => at_most(k, &library, "-k")?,
    };
    let mut search = args.choice.search()?;
    if let (Some(questions), Some(file)) = (&args.queries, args.output.file()) {
        console.remark(&provenance(&library));
        let questions = Questions::open(questions)?;
        let answered = answer_many(&search, &library, questions, k, file)?;
        console.remark(&format!(
            "{}: {} questions, {} answers",
            file.display(),
            answered.questions,
            answered.rows
        ));
        return Ok(Exit::AllDone);
    }
    search.tags = args.output.needs_tags(format);
    let (matches, wanted) = find(args, &search, &library, k, console)?;
    console.remark(&provenance(&library));
    if matches.len() < wanted.get() && args.k != Some(ALL) {
        console.remark(&format!(
            "asked for {wanted} songs; there are {} to choose from",
            matches.len()
        ));
    }
    args.output.write(format, &library, &matches, console)?;
    args.output.play(&matches, console)?;
    Ok(Exit::AllDone)
}

/// The answer, and how many songs it should have.
fn find(
    args: &Args,
    search: &Query,
    library: &Library,
    k: NonZeroUsize,
    console: &Console,
) -> Result<(Vec<Match>, NonZeroUsize), CliError> {
    let asked = args.question.vector(library, console)?;
    let Some(target) = args.mood_shift else {
        return Ok((search.nearest(library, &asked, k)?, k));
    };
    let steps = match args.steps {
        Some(steps) => at_most(steps, library, "--steps")?,
        None => k,
    };
    let found = search.shift(library, &asked, &target.into(), steps)?;
    Ok((found, steps))
}
