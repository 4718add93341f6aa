//! `circumplex query`: the songs of a library that are nearest to an answer.

mod choice;
mod exclude;
mod many;
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
    search::{Match, Query, parse_target},
};
use std::{
    num::{NonZeroUsize, ParseIntError},
    path::PathBuf,
    str::FromStr,
};

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
    #[arg(short, value_name = "K")]
    k: Option<Count>,
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

/// `-k`.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Count {
    Some(NonZeroUsize),
    All,
}

impl FromStr for Count {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text.eq_ignore_ascii_case("all") {
            return Ok(Self::All);
        }
        text.parse().map(Self::Some).map_err(|_: ParseIntError| {
            "expected a number of songs, 1 or more, or `all`".to_owned()
        })
    }
}

impl Count {
    const DEFAULT: NonZeroUsize = NonZeroUsize::MIN.saturating_add(4);

    /// The number of songs: an explicit one must not exceed the library, the default may.
    fn of(this: Option<Self>, library: &Library) -> Result<NonZeroUsize, CliError> {
        let songs = usize::try_from(library.rows()).unwrap_or(usize::MAX);
        let songs = NonZeroUsize::new(songs).unwrap_or(NonZeroUsize::MIN);
        match this {
            None => Ok(Self::DEFAULT.min(songs)),
            Some(Self::All) => Ok(songs),
            Some(Self::Some(k)) => at_most(k, songs, "-k", library),
        }
    }
}

fn at_most(
    count: NonZeroUsize,
    songs: NonZeroUsize,
    option: &str,
    library: &Library,
) -> Result<NonZeroUsize, CliError> {
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
    let k = Count::of(args.k, &library)?;
    let mut search = args.choice.search()?;
    if let (Some(questions), Some(file)) = (&args.queries, args.output.file()) {
        console.remark(&provenance(&library));
        return many::run(&search, &library, questions, k, file, console);
    }
    search.tags = args.output.needs_tags(format);
    let (matches, wanted) = find(args, &search, &library, k, console)?;
    console.remark(&provenance(&library));
    if matches.len() < wanted.get() && args.k != Some(Count::All) {
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
    let songs = usize::try_from(library.rows()).unwrap_or(usize::MAX);
    let songs = NonZeroUsize::new(songs).unwrap_or(NonZeroUsize::MIN);
    let steps = match args.steps {
        Some(steps) => at_most(steps, songs, "--steps", library)?,
        None => k,
    };
    let found = search.shift(library, &asked, &target.into(), steps)?;
    Ok((found, steps))
}
