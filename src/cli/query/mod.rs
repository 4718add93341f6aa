//! `circumplex query`: the songs of a library that are nearest to an answer.

mod exclude;
mod output;
mod question;

use self::{exclude::excluded, output::Output, question::Question};
use super::{CliResult, Console, Exit, MappedLibrary, count, library::provenance};
use crate::{
    emotion::EmotionVector,
    output::Format,
    search::{
        Explore, Filter, MeanEmotions, Metric, Query, Questions, SongVector, answer_many,
        parse_target,
    },
};
use std::{collections::HashSet, num::NonZeroUsize, path::PathBuf};

/// Find the songs of a library that are nearest to some emotions, a face, a point on the plane or other songs
#[derive(clap::Args)]
#[command(
    after_help = "The emotions, in their order: happy, excited, tense, frustrated, depressed, tired, calm, content.\n\
                  Silent songs are never among the answers.\n\n\
                  Examples:\n  \
                    circumplex query --emotions happy=60,excited=40\n  \
                    circumplex query --emotions depressed=1 --metric share -k 20 -o sad.m3u8\n  \
                    circumplex query --emotions tired=1 --relative\n  \
                    circumplex query --face happy=9,neutral=4 --where \"duration < 300\" --play\n  \
                    circumplex query --face-image selfie.jpg\n  \
                    circumplex query --like song.mp3 --limit-per-artist 1 --one-per-title"
)]
pub(crate) struct Args {
    #[command(flatten)]
    library: MappedLibrary,
    #[command(flatten)]
    question: Question,
    /// How many songs, or `all` [default: 5]
    #[arg(short, value_name = "K", value_parser = parse_count)]
    k: Option<NonZeroUsize>,
    /// The measure of similarity
    #[arg(long, value_enum, default_value_t = Metric::Cosine)]
    metric: Metric,
    /// The songs' vector that is compared: `emotions`, or `felt`, which tells what listeners feel where the library's model
    /// learned from their votes [default: felt for --emotions and faces where the library has it, else emotions]
    #[arg(long, value_enum, value_name = "VECTOR")]
    by: Option<SongVector>,
    /// Compare relative to the library: each emotion's percentage is divided by its mean over all songs, so that emotions that
    /// are rare in the library count as much as the others
    #[arg(long)]
    relative: bool,
    /// Only songs that meet a condition in SQL, like "genre ILIKE '%jazz%' AND duration < 300": path, title, artist, album, genre,
    /// duration, valence, arousal, track, silent, each emotion by its name, `strongest`, and more
    #[arg(long = "where", value_name = "CONDITION")]
    condition: Option<Filter>,
    /// At most N songs of one artist; songs without the tag are not counted
    #[arg(long, value_name = "N")]
    limit_per_artist: Option<NonZeroUsize>,
    /// At most N songs of one album (of an artist, or without the tag of a directory); songs without the tag are not counted
    #[arg(long, value_name = "N")]
    limit_per_album: Option<NonZeroUsize>,
    /// Only the best of several versions of a song: those with the same title and artist without regard to case, punctuation,
    /// and endings of the title like (Remastered 2011), [Live] or - Radio Edit
    #[arg(long)]
    one_per_title: bool,
    /// Leave out the files of this list: paths, one a line or NUL-separated, or an M3U playlist
    #[arg(long, value_name = "FILE")]
    exclude_list: Option<PathBuf>,
    /// For variety: draw the K songs from all that are at most X less similar than the K-th nearest
    #[arg(long, value_name = "X", value_parser = width)]
    explore: Option<f64>,
    /// Another seed draws other songs
    #[arg(long, value_name = "N", default_value_t = 0, requires = "explore")]
    seed: u64,
    /// A playlist that leads from what is asked to this feeling: an emotion, or written as for --emotions, --vector or
    /// valence=7,arousal=3
    #[arg(long, value_name = "TARGET", value_parser = parse_target, conflicts_with_all = ["explore", "queries"], allow_hyphen_values = true)]
    mood_shift: Option<EmotionVector>,
    /// Songs of that playlist [default: K]
    #[arg(long, value_name = "N", requires = "mood_shift")]
    steps: Option<NonZeroUsize>,
    /// Answer the questions of a Parquet file, a vector a row (a column `emotions` of lists, or a column for each emotion; `id`
    /// names them), and write a Parquet file of query, rank, song and similarity to -o
    #[arg(long, value_name = "FILE", conflicts_with_all = ["asked", "unlike", "format", "json", "relative_paths", "play", "open"], requires = "output")]
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

fn width(text: &str) -> Result<f64, String> {
    match text.trim().parse::<f64>() {
        Ok(width) if (0.0..=2.0).contains(&width) => Ok(width),
        _ => Err("expected a difference of similarities from 0 to 2, like 0.02".to_owned()),
    }
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
    let songs = usize::try_from(library.rows()).unwrap_or(usize::MAX);
    let songs = NonZeroUsize::new(songs).unwrap_or(NonZeroUsize::MIN);
    let (option, wanted) = match (args.steps, args.k) {
        (Some(steps), _) => ("--steps", steps),
        (None, Some(ALL)) => ("-k", songs),
        (None, k) => ("-k", k.unwrap_or(DEFAULT_COUNT.min(songs))),
    };
    if wanted > songs {
        bail!(
            "{option} {wanted}: {} holds {}; ask for {songs} or fewer (-k all asks for all)",
            library.name(),
            count(songs.get() as u64, "song", "songs")
        );
    }
    let has_felt = library.has_felt();
    if args.by == Some(SongVector::Felt) && !has_felt {
        bail!(
            "--by felt: the model of {} did not learn from listeners' votes; ask --by emotions, or re-analyze the music \
             with a model that did",
            library.name()
        );
    }
    let by = args
        .by
        .unwrap_or(match has_felt && args.question.is_felt() {
            true => SongVector::Felt,
            false => SongVector::Emotions,
        });
    if args.relative && args.metric == Metric::Embedding {
        bail!("--relative compares percentages: leave it out, or choose another --metric");
    }
    let query = Query {
        metric: args.metric,
        by,
        relative_to: match args.relative {
            true => Some(MeanEmotions::of(&library, by)?),
            false => None,
        },
        filter: args.condition.clone(),
        exclude: match &args.exclude_list {
            Some(list) => excluded(list, &library, console)?,
            None => HashSet::new(),
        },
        per_artist: args.limit_per_artist,
        per_album: args.limit_per_album,
        one_per_title: args.one_per_title,
        explore: args.explore.map(|width| Explore {
            width,
            seed: args.seed,
        }),
        tags: args.queries.is_none() && args.output.needs_tags(format),
    };
    let remark_comparison = || {
        console.remark(&provenance(&library));
        let relative = match args.relative {
            true => ", relative to the library's mean",
            false => "",
        };
        if (has_felt || args.relative) && args.metric != Metric::Embedding {
            console.remark(&format!("compared by: {}{relative}", by.name()));
        }
    };
    if let (Some(questions), Some(file)) = (&args.queries, args.output.file()) {
        remark_comparison();
        let questions = Questions::open(questions)?;
        let answered = answer_many(&query, &library, questions, wanted, file)?;
        console.remark(&format!(
            "{}: {} questions, {} answers",
            file.display(),
            answered.questions,
            answered.rows
        ));
        return Ok(Exit::Success);
    }
    let asked = args.question.vector(&library, &query, console)?;
    let matches = match args.mood_shift {
        Some(target) => query.shift(&library, &asked, &target.into(), wanted)?,
        None => query.nearest(&library, &asked, wanted)?,
    };
    remark_comparison();
    if matches.len() < wanted.get() && args.k != Some(ALL) {
        console.remark(&format!(
            "asked for {}; there are {} to choose from",
            count(wanted.get() as u64, "song", "songs"),
            matches.len()
        ));
    }
    args.output.write(format, &library, by, &matches, console)?;
    args.output.play(&matches, console)?;
    Ok(Exit::Success)
}
