//! `circumplex library songs`.

use crate::{
    cli::{CliResult, Console, Exit, LibraryChoice, Table, terminal_width},
    emotion::Emotion,
    library::{Column, Columns, Library, Song},
    output::{Destination, Field, Format, Layout, playlist::Paths, sink},
};
use std::{cmp::Ordering, io};

/// List the songs of a library with their strongest emotion, valence and arousal
#[derive(clap::Args)]
#[command(
    after_help = "The numbers of a silent song mean nothing: it is listed as silent, and last in orders by a number.\n\n\
                  Examples:\n  \
                    circumplex library songs --sort calm -n 20\n  \
                    circumplex library songs --sort title --json"
)]
pub(crate) struct Args {
    #[command(flatten)]
    library: LibraryChoice,
    /// The order: path, title, artist or emotion from the first; or, from the highest, valence, arousal, duration,
    /// analyzed (the latest first), or the percentage of one of the eight emotions. Without it, that of the library
    #[arg(long, value_name = "KEY", value_parser = parse_key)]
    sort: Option<Key>,
    /// Reverse the order
    #[arg(long)]
    reverse: bool,
    /// How many songs; without it, all
    #[arg(short, value_name = "N")]
    n: Option<usize>,
    /// Print one JSON object a line instead of a table
    #[arg(long)]
    json: bool,
}

/// The columns that are read.
const COLUMNS: Columns = Columns::LIST
    .and(Columns::TAGS)
    .with(Column::DamagedPackets)
    .with(Column::MissingS)
    .with(Column::ExcerptStartS)
    .with(Column::ExcerptLengthS);

/// The sort order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Key {
    Path,
    Title,
    Artist,
    Emotion,
    Valence,
    Arousal,
    Duration,
    Analyzed,
    Percentage(Emotion),
}

fn parse_key(text: &str) -> Result<Key, String> {
    Ok(match text.trim().to_lowercase().as_str() {
        "path" => Key::Path,
        "title" => Key::Title,
        "artist" => Key::Artist,
        "emotion" => Key::Emotion,
        "valence" => Key::Valence,
        "arousal" => Key::Arousal,
        "duration" => Key::Duration,
        "analyzed" | "analysed" => Key::Analyzed,
        other => match other.parse() {
            Ok(emotion) => Key::Percentage(emotion),
            Err(error) => {
                return Err(format!(
                    "expected path, title, artist, emotion, valence, arousal, duration, analyzed or an emotion: {error}"
                ));
            }
        },
    })
}

impl Key {
    /// Texts from the first, absent ones last; numbers from the highest.
    fn compare(self, a: &Song, b: &Song) -> Ordering {
        let is_predicted = matches!(
            self,
            Key::Emotion | Key::Valence | Key::Arousal | Key::Percentage(_)
        );
        if is_predicted && a.silent != b.silent {
            return a.silent.cmp(&b.silent);
        }
        let text =
            |text: &Option<String>| (text.is_none(), text.as_ref().map(|it| it.to_lowercase()));
        match self {
            Key::Path => Ordering::Equal,
            Key::Title => text(&a.title).cmp(&text(&b.title)),
            Key::Artist => text(&a.artist).cmp(&text(&b.artist)),
            Key::Emotion => {
                let (of_a, of_b) = (a.emotions.strongest(), b.emotions.strongest());
                let percentages = (a.emotions.get(of_a), b.emotions.get(of_b));
                let place = of_a.index().cmp(&of_b.index());
                place.then(percentages.1.total_cmp(&percentages.0))
            }
            Key::Valence => b.valence.total_cmp(&a.valence),
            Key::Arousal => b.arousal.total_cmp(&a.arousal),
            Key::Duration => b.duration_s.total_cmp(&a.duration_s),
            Key::Analyzed => b.analyzed_at.cmp(&a.analyzed_at),
            Key::Percentage(emotion) => b.emotions.get(emotion).total_cmp(&a.emotions.get(emotion)),
        }
    }
}

pub(crate) fn run(args: &Args, console: &Console) -> CliResult {
    let library = args.library.open(console)?;
    let most = args.n.unwrap_or(usize::MAX);
    let in_order = args.sort.is_none() && !args.reverse;
    let mut songs: Vec<Song> = Vec::new();
    for song in library.songs(COLUMNS) {
        if in_order && songs.len() >= most {
            break;
        }
        songs.push(song?);
    }
    if let Some(key) = args.sort {
        songs.sort_by(|a, b| key.compare(a, b).then_with(|| a.path.cmp(&b.path)));
    }
    if args.reverse {
        songs.reverse();
    }
    songs.truncate(most);
    if args.json {
        print_json(&library, &songs)?;
    } else {
        console.print(&table(&songs))?;
    }
    if (songs.len() as u64) < library.rows() {
        console.remark(&format!("{} of {} songs", songs.len(), library.rows()));
    }
    Ok(Exit::Success)
}

fn table(songs: &[Song]) -> String {
    let mut table = Table::new(["emotion", ">%", ">valence", ">arousal", "song"]);
    for song in songs {
        let path = song.unique_path().display().to_string();
        if song.silent {
            table.row(["silent", "", "", "", &path]);
            continue;
        }
        let strongest = song.emotions.strongest();
        table.row([
            strongest.to_string(),
            format!("{:.1}", song.emotions.get(strongest)),
            format!("{:.2}", song.valence),
            format!("{:.2}", song.arousal),
            path,
        ]);
    }
    table.render(terminal_width())
}

/// Prints every column that is read, one song a line.
fn print_json(library: &Library, songs: &[Song]) -> crate::Result<()> {
    let columns = COLUMNS.iter().filter(|&column| column != Column::PathBytes);
    let mut fields: Vec<Field> = columns.map(Field::Of).collect();
    fields.push(Field::Strongest);
    let layout = Layout {
        fields,
        embedding: 0,
        has_felt: library.has_felt(),
        info: library.info(),
        paths: Paths::Absolute,
    };
    let to = Destination::Stream(Box::new(io::stdout()));
    let mut sink = sink(Format::JsonLines, to, layout)?;
    for song in songs {
        sink.row(song.clone(), Vec::new())?;
    }
    sink.finish()?;
    Ok(())
}
