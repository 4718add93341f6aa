//! `circumplex library songs`.

use crate::{
    cli::{CliResult, Console, Exit, MappedLibrary, Table, terminal_width},
    library::{Column, Columns, Library, Song},
    output::{Cell, Destination, Field, Format, Layout, playlist::Paths, sink},
};
use std::io;

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
    library: MappedLibrary,
    /// Sort by a column of `circumplex export`: texts from the first, numbers from the highest, times from the latest. Without
    /// it, the order is that of the library
    #[arg(long, value_name = "COLUMN", value_parser = parse_key)]
    sort: Option<Field>,
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

fn parse_key(text: &str) -> Result<Field, String> {
    let name = match text.trim() {
        "duration" => "duration_s",
        "analyzed" => "analyzed_at",
        other => other,
    };
    match Field::parse([name])
        .map_err(|error| error.to_string())?
        .pop()
    {
        Some(field) if field.name() == name.to_lowercase() => Ok(field),
        _ => Err(format!("{name} is several columns; sort by one of them")),
    }
}

/// The place of a song in the order of a column: songs without a value are last, numbers begin with the highest.
fn rank(field: &Field, song: &Song) -> (bool, f64, String) {
    let is_predicted = matches!(
        field,
        Field::Strongest(_) | Field::Percentage(_) | Field::Of(Column::Valence | Column::Arousal)
    );
    let cell = match song.silent && is_predicted {
        true => Cell::Null,
        false => field.cell(song, &[]),
    };
    let (number, text) = match &cell {
        Cell::Integer(number) => (*number as f64, String::new()),
        Cell::Float(number) => (f64::from(*number), String::new()),
        Cell::Double(number) => (*number, String::new()),
        Cell::Time(time) => (time.0 as f64, String::new()),
        other => (0.0, other.text().unwrap_or_default().to_lowercase()),
    };
    (cell == Cell::Null, -number, text)
}

pub(crate) fn run(args: &Args, console: &Console) -> CliResult {
    let library = args.library.open(console)?;
    let most = args.n.unwrap_or(usize::MAX);
    let in_order = args.sort.is_none() && !args.reverse;
    let mut songs: Vec<Song> = Vec::new();
    let sorted_by = args.sort.as_ref().map(Field::columns);
    for song in library.songs(sorted_by.map_or(COLUMNS, |columns| COLUMNS.and(columns))) {
        if in_order && songs.len() >= most {
            break;
        }
        songs.push(song?);
    }
    if let Some(field) = &args.sort {
        songs.sort_by(|a, b| {
            let (of_a, of_b) = (rank(field, a), rank(field, b));
            let order = of_a.0.cmp(&of_b.0).then(of_a.1.total_cmp(&of_b.1));
            order
                .then(of_a.2.cmp(&of_b.2))
                .then_with(|| a.path.cmp(&b.path))
        });
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
    fields.push(Field::Strongest(None));
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
