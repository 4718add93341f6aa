//! `circumplex query`: the songs of a library that are nearest to an answer.

mod question;

use super::{
    CliResult,
    console::Console,
    exit::Exit,
    library::{LibraryChoice, provenance},
    table::{Align, Table, terminal_width},
};
use crate::{
    emotion::{Emotion, EmotionVector},
    query::{Match, nearest},
};
use question::Question;
use serde::Serialize;
use std::num::NonZeroUsize;

/// Print the songs of a library that are nearest to some emotions
#[derive(clap::Args)]
#[command(
    after_help = "The emotions, in their order: happy, excited, tense, frustrated, depressed, tired, calm, content.\n\
                  Nearness is the cosine similarity of the eight percentages. Songs whose note says that they are silent take no \
                  part."
)]
pub struct Args {
    #[command(flatten)]
    library: LibraryChoice,
    #[command(flatten)]
    question: Question,
    /// How many songs
    #[arg(short, value_name = "K", default_value = "5")]
    k: NonZeroUsize,
    /// Print a JSON array instead of a table
    #[arg(long)]
    json: bool,
}

pub fn run(args: Args, console: &Console) -> CliResult {
    let library = args.library.open_filled()?;
    let asked = args.question.asked(&library, console)?;
    let matches = nearest(&library, &asked, args.k)?;
    console.remark(&provenance(&library));
    if matches.len() < args.k.get() {
        console.remark(&format!(
            "asked for {} songs; the library has {} to choose from",
            args.k,
            matches.len()
        ));
    }
    let text = if args.json {
        let answers: Vec<Answer<'_>> = matches.iter().map(Answer::new).collect();
        serde_json::to_string_pretty(&answers)?
    } else {
        table(&matches)
    };
    console.print(&text)?;
    Ok(Exit::AllDone)
}

fn table(matches: &[Match]) -> String {
    let mut columns = vec![
        ("", Align::Right),
        ("similarity", Align::Right),
        ("valence", Align::Right),
        ("arousal", Align::Right),
    ];
    let names = Emotion::ALL.map(|emotion| emotion.name().get(..5).unwrap_or(emotion.name()));
    columns.extend(names.map(|name| (name, Align::Right)));
    columns.push(("song", Align::Left));
    let song_column = columns.len() - 1;
    let mut table = Table::new(columns).shrink(song_column);
    for found in matches {
        let song = &found.song;
        let mut cells = vec![
            found.rank.to_string(),
            format!("{:.4}", found.similarity),
            format!("{:.2}", song.valence),
            format!("{:.2}", song.arousal),
        ];
        cells.extend(song.emotions.as_array().map(|p| format!("{p:.1}")));
        cells.push(song.path.clone());
        table.row(cells);
    }
    table.render(terminal_width())
}

/// One song of the answer as JSON.
#[derive(Serialize)]
struct Answer<'a> {
    rank: usize,
    path: &'a str,
    similarity: f64,
    valence: f32,
    arousal: f32,
    emotions: &'a EmotionVector,
    title: Option<&'a str>,
    artist: Option<&'a str>,
}

impl<'a> Answer<'a> {
    fn new(found: &'a Match) -> Self {
        let song = &found.song;
        Self {
            rank: found.rank,
            path: &song.path,
            similarity: found.similarity,
            valence: song.valence,
            arousal: song.arousal,
            emotions: &song.emotions,
            title: song.title.as_deref(),
            artist: song.artist.as_deref(),
        }
    }
}
