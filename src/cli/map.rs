//! `circumplex map`: the page's map of a library as one file.

use super::{CliResult, Console, Exit, LibraryChoice, count, visible};
use crate::{
    atomic_file,
    error::{Error, Result},
    figure::escape,
    library::{Columns, Library},
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde::Serialize;
use std::{
    collections::BTreeMap,
    io::{self, Write as _},
    path::{Path, PathBuf},
};

/// Write all songs of a library as an interactive map: one HTML file that opens offline
#[derive(clap::Args)]
#[command(after_help = "\
The file holds titles, artists, albums, genres, lengths and the emotions of all songs, but no paths and no audio, and makes no
network request. Silent songs are skipped. It can zoom, search, filter by emotion, genre and artist, and spread the songs by rank.

Examples:
  circumplex map
  circumplex map --relative
  circumplex map music.parquet -o music.html")]
pub(crate) struct Args {
    #[command(flatten)]
    library: LibraryChoice,
    /// File to write, .html; `-` for standard output
    #[arg(short, long, value_name = "FILE", default_value = "map.html")]
    output: PathBuf,
    /// Begin with each song placed by its ranks within the library: most libraries lie close to the middle of the plane
    #[arg(long)]
    relative: bool,
}

const TEMPLATE: &str = include_str!("../../web/map.html");
const PAGE: &str = include_str!("../../web/index.html");
/// The parts of the page that the map has too: the placeholder in the template, the start of the part, and what follows it.
const SHARED: [(&str, &str, &str); 4] = [
    ("<!--icons-->", "<symbol ", "</svg>"),
    ("<!--search-->", "<label class=\"search-box\">", "</header>"),
    ("<!--tools-->", "<label class=\"switch\"", "</div>"),
    ("<!--explore-->", "<div id=\"emotions\"", "</section>"),
];
const STYLE: &str = include_str!("../../web/style.css");
const ICON: &str = include_str!("../../web/icon.svg");
/// The modules of the page that the map needs, by the names in their imports.
const MODULES: [(&str, &str); 9] = [
    ("dom.js", include_str!("../../web/dom.js")),
    ("emotions.js", include_str!("../../web/emotions.js")),
    ("explore.js", include_str!("../../web/explore.js")),
    ("map.js", include_str!("../../web/map.js")),
    ("points.js", include_str!("../../web/points.js")),
    ("songs.js", include_str!("../../web/songs.js")),
    ("standalone.js", include_str!("../../web/standalone.js")),
    ("theme.js", include_str!("../../web/theme.js")),
    ("vendor/twgl.js", include_str!("../../web/vendor/twgl.js")),
];

/// The songs, one entry per song in each column.
#[derive(Serialize, Default)]
struct Songs {
    title: Vec<String>,
    artist: Vec<Option<String>>,
    album: Vec<Option<String>>,
    genre: Vec<Option<String>>,
    /// To a tenth.
    duration_s: Vec<f64>,
    /// To a thousandth.
    valence: Vec<f64>,
    arousal: Vec<f64>,
    /// Tenths of a percent.
    emotions: Vec<[u16; 8]>,
}

#[derive(Serialize)]
struct Data<'a> {
    name: &'a str,
    model: &'a str,
    relative: bool,
    songs: Songs,
}

pub(crate) fn run(args: Args, console: &Console) -> CliResult {
    let is_stdout = args.output == Path::new("-");
    if !is_stdout {
        check_extension(&args.output)?;
    }
    let library = args.library.open_filled(console)?;
    let songs = read_songs(&library)?;
    let number = songs.title.len() as u64;
    if number == 0 {
        bail!("{}: all songs are silent; nothing to draw", library.name());
    }
    // The file may go to a friend, who need not know the directory.
    let name = Path::new(library.name()).file_name().unwrap_or_default();
    let name = visible(&name.to_string_lossy());
    let page = page(&Data {
        name: &name,
        model: &library.info().model.name,
        relative: args.relative,
        songs,
    })?;
    if is_stdout {
        io::stdout().write_all(page.as_bytes())?;
        return Ok(Exit::Success);
    }
    atomic_file::write(&args.output, |file| file.write_all(page.as_bytes()))?;
    console.remark(&format!(
        "wrote {}: {}",
        args.output.display(),
        count(number, "song", "songs")
    ));
    Ok(Exit::Success)
}

fn check_extension(path: &Path) -> Result<()> {
    let extension = path.extension().unwrap_or_default();
    if extension.eq_ignore_ascii_case("html") || extension.eq_ignore_ascii_case("htm") {
        return Ok(());
    }
    Err(Error::invalid("expected a page with the extension .html").with_path(path))
}

fn read_songs(library: &Library) -> Result<Songs> {
    let rounded = |value: f64, steps: f64| (value * steps).round() / steps;
    let mut songs = Songs::default();
    for song in library.songs(Columns::LIST.and(Columns::TAGS)) {
        let song = song?;
        if song.silent {
            continue;
        }
        songs.title.push(song.shown_title());
        songs.artist.push(song.artist);
        songs.album.push(song.album);
        songs.genre.push(song.genre);
        songs.duration_s.push(rounded(song.duration_s, 10.0));
        songs.valence.push(rounded(song.valence.into(), 1000.0));
        songs.arousal.push(rounded(song.arousal.into(), 1000.0));
        let tenths = |share: f32| (share * 10.0).round() as u16;
        songs.emotions.push(song.emotions.as_array().map(tenths));
    }
    Ok(songs)
}

/// The page: the template with everything that it needs inside.
fn page(data: &Data<'_>) -> Result<String> {
    // Browsers take modules out of an import map where there is no server. They resolve only bare names from such modules.
    let modules: BTreeMap<String, String> = MODULES
        .iter()
        .map(|(name, code)| {
            let code = code.replace("from \"./", "from \"page/");
            (format!("page/{name}"), data_url("text/javascript", &code))
        })
        .collect();
    let modules = serde_json::to_string(&modules).map_err(json_error)?;
    let mut page = TEMPLATE.to_owned();
    for (place, begin, end) in SHARED {
        let part = PAGE.find(begin).and_then(|at| PAGE[at..].split(end).next());
        page = page.replace(place, part.unwrap_or_default().trim_end());
    }
    let page = page
        .replace("<!--icon-->", &data_url("image/svg+xml", ICON))
        .replace("<!--style-->", STYLE)
        .replace("<!--modules-->", &format!("{{\"imports\":{modules}}}"));
    // The texts of the library come last, so that none of them is taken for a place of the template.
    let page = page.replacen("<!--title-->", &escape(data.name), 1);
    // Without `<` no text can end the script that holds it.
    let data = serde_json::to_string(data).map_err(json_error)?;
    Ok(page.replacen("<!--data-->", &data.replace('<', "\\u003c"), 1))
}

fn data_url(media_type: &str, content: &str) -> String {
    format!("data:{media_type};base64,{}", STANDARD.encode(content))
}

fn json_error(error: serde_json::Error) -> Error {
    Error::invalid("the songs cannot be written as JSON").with_source(error)
}
