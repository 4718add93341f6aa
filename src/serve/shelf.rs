//! The library as it is on the disk: opened, watched, and opened anew when its files change.

use super::{
    Answer, LOOK, Shared,
    answer::{Failure, Pieces, Reply, blocking},
    query::Copies,
    songs::{Summary, missing_rows, summary},
};
use crate::{
    contain::catch_panic,
    error::{Error, Result, one_line},
    library::{Library, PathMap, library_files},
    search::{MeanEmotions, SongVector},
};
use axum::{
    body::{Body, Bytes},
    extract::State,
    http::StatusCode,
};
use std::{
    fs,
    path::PathBuf,
    sync::{Arc, Mutex, OnceLock, PoisonError, RwLock},
    time::{Duration, SystemTime, UNIX_EPOCH},
};
use tokio::sync::mpsc;

/// Generations whose songs can still be played: a song goes on while the library grows.
const KEPT: usize = 8;
/// Time between two signs of life of an event stream.
const HEARTBEAT: Duration = Duration::from_secs(15);

/// One reading of the library.
pub(super) struct Opened {
    /// The number of this reading, larger than those of earlier ones.
    pub generation: u64,
    library: std::result::Result<Library, String>,
    stamps: Vec<Stamp>,
    summary: OnceLock<std::result::Result<Summary, String>>,
    missing: OnceLock<Vec<u64>>,
    /// The mean of each vector of the songs, once a query needed it.
    means: Mutex<Vec<(SongVector, MeanEmotions)>>,
    copies: OnceLock<std::result::Result<Copies, String>>,
}

/// What a library is like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Condition {
    Ok,
    Empty,
    Missing,
    Unreadable,
}

impl Condition {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Empty => "empty",
            Self::Missing => "missing",
            Self::Unreadable => "unreadable",
        }
    }
}

/// A file of the library, with what changes when it is written.
#[derive(Debug, PartialEq)]
struct Stamp {
    path: PathBuf,
    bytes: u64,
    modified: Option<SystemTime>,
}

impl Opened {
    /// The library.
    ///
    /// # Errors
    /// Where it could not be opened.
    pub(super) fn library(&self) -> std::result::Result<&Library, Failure> {
        self.library
            .as_ref()
            .map_err(|message| Failure::new(StatusCode::SERVICE_UNAVAILABLE, message.clone()))
    }

    /// Its songs, read at the first call.
    ///
    /// # Errors
    /// Where it could not be opened or a row is damaged.
    pub(super) fn summary(&self) -> std::result::Result<&Summary, Failure> {
        let library = self.library()?;
        let read = || {
            let summary = catch_panic(|| summary(library, self.generation));
            summary
                .map_err(Error::from)
                .flatten()
                .map_err(|error| one_line(&error))
        };
        self.summary
            .get_or_init(read)
            .as_ref()
            .map_err(|message| Failure::new(StatusCode::SERVICE_UNAVAILABLE, message.clone()))
    }

    /// The mean of all songs.
    ///
    /// # Errors
    /// Where the library cannot be read or lacks the vector.
    pub(super) fn mean(&self, by: SongVector) -> std::result::Result<MeanEmotions, Failure> {
        let mut means = self.means.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, mean)) = means.iter().find(|(known, _)| *known == by) {
            return Ok(*mean);
        }
        let mean = MeanEmotions::of(self.library()?, by)?;
        means.push((by, mean));
        Ok(mean)
    }

    /// Which songs are copies of one another, read at the first call.
    ///
    /// # Errors
    /// Where the library cannot be read.
    pub(super) fn copies(&self) -> std::result::Result<&Copies, Failure> {
        let library = self.library()?;
        let read = || Copies::of(library).map_err(|error| one_line(&error));
        let copies = self.copies.get_or_init(read).as_ref();
        copies.map_err(|message| Failure::new(StatusCode::SERVICE_UNAVAILABLE, message.clone()))
    }

    /// The rows whose file is gone, once they were looked for.
    pub(super) fn missing(&self) -> &[u64] {
        self.missing.get().map_or(&[], Vec::as_slice)
    }

    /// What it is like, with a message for people.
    pub(super) fn condition(&self) -> (Condition, String) {
        const FILL: &str = "`circumplex analyze MUSIC` fills it, and the page follows";
        match (&self.library, self.summary()) {
            (Err(message), _) if self.stamps.is_empty() => {
                (Condition::Missing, format!("{message}; {FILL}"))
            }
            (Err(message), _) => (Condition::Unreadable, message.clone()),
            (_, Err(failure)) => (Condition::Unreadable, failure.message().to_owned()),
            (Ok(library), _) if library.rows() == 0 => {
                (Condition::Empty, format!("no songs yet: {FILL}"))
            }
            (Ok(_), Ok(_)) => (Condition::Ok, String::new()),
        }
    }
}

/// The latest readings of a library.
pub(super) struct Shelf {
    libraries: Vec<PathBuf>,
    paths: PathMap,
    /// The newest last, at least one.
    opened: RwLock<Vec<Arc<Opened>>>,
}

impl Shelf {
    /// Opens a library, which may be missing or damaged.
    pub(super) fn open(libraries: Vec<PathBuf>, paths: PathMap) -> Self {
        let shelf = Self {
            libraries,
            paths,
            opened: RwLock::new(Vec::new()),
        };
        shelf.read(shelf.stamps());
        shelf
    }

    /// The files that exist now.
    fn stamps(&self) -> Vec<Stamp> {
        let files = self
            .libraries
            .iter()
            .flat_map(|path| library_files(path).unwrap_or_default());
        let stamp = |path: PathBuf| {
            let metadata = fs::metadata(&path).ok()?;
            Some(Stamp {
                path,
                bytes: metadata.len(),
                modified: metadata.modified().ok(),
            })
        };
        files.filter_map(stamp).collect()
    }

    fn read(&self, stamps: Vec<Stamp>) {
        let open = || -> Result<Library> {
            let mut library = Library::open_all(&self.libraries)?;
            if !self.paths.is_empty() {
                library.map_paths(&self.paths)?;
            }
            Ok(library)
        };
        let library = catch_panic(open).map_err(Error::from).flatten();
        let now = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default();
        let mut opened = self.opened.write().unwrap_or_else(PoisonError::into_inner);
        // Milliseconds, so that a page that was open before this program started has none of ours.
        let after = opened.last().map_or(0, |last| last.generation + 1);
        opened.push(Arc::new(Opened {
            generation: after.max(now.as_millis() as u64),
            library: library.map_err(|error| one_line(&error)),
            stamps,
            summary: OnceLock::new(),
            missing: OnceLock::new(),
            means: Mutex::new(Vec::new()),
            copies: OnceLock::new(),
        }));
        if opened.len() > KEPT {
            opened.remove(0);
        }
    }

    /// Opens the library anew if its files changed. Returns whether they did.
    fn refresh(&self) -> bool {
        let stamps = self.stamps();
        let has_changed = stamps != self.current().stamps;
        if has_changed {
            self.read(stamps);
        }
        has_changed
    }

    /// The latest reading.
    pub(super) fn current(&self) -> Arc<Opened> {
        let opened = self.opened.read().unwrap_or_else(PoisonError::into_inner);
        // There is at least one.
        opened[opened.len() - 1].clone()
    }

    /// The latest reading, if that is the generation that a request is about.
    pub(super) fn checked(
        &self,
        generation: Option<u64>,
    ) -> std::result::Result<Arc<Opened>, Failure> {
        let current = self.current();
        match generation {
            Some(given) if given != current.generation => Err(stale(given, current.generation)),
            _ => Ok(current),
        }
    }

    /// The reading of a generation, also of a recent one, or without one the latest.
    pub(super) fn recent(
        &self,
        generation: Option<u64>,
    ) -> std::result::Result<Arc<Opened>, Failure> {
        let Some(given) = generation else {
            return Ok(self.current());
        };
        let opened = self.opened.read().unwrap_or_else(PoisonError::into_inner);
        let mut found = opened.iter().filter(|opened| opened.generation == given);
        let found = found.next().cloned();
        drop(opened);
        found.ok_or_else(|| stale(given, self.current().generation))
    }
}

fn stale(given: u64, current: u64) -> Failure {
    Failure::new(
        StatusCode::CONFLICT,
        format!(
            "the rows of generation {given} are no longer valid: the library was read anew as generation {current}; load \
             /api/songs again"
        ),
    )
}

/// News of the library: a generation, and how many of its files were found to be gone.
pub(super) type News = (u64, usize);

/// Follows the library on the disk for as long as the program runs.
pub(super) async fn follow(server: Shared) {
    tokio::spawn(prepare(server.clone()));
    loop {
        tokio::time::sleep(LOOK).await;
        let shared = server.clone();
        let refreshed = blocking(move || Ok(shared.shelf.refresh())).await;
        if refreshed.is_ok_and(|changed| changed) {
            let news = (server.shelf.current().generation, 0);
            server.changes.send_replace(news);
            tokio::spawn(prepare(server.clone()));
        }
    }
}

/// Reads the songs before somebody asks for them, and looks which files are gone.
async fn prepare(server: Shared) {
    let opened = server.shelf.current();
    let shared = opened.clone();
    let looked = blocking(move || {
        if shared.summary().is_ok()
            && let Ok(library) = &shared.library
        {
            let missing = missing_rows(library)?;
            return Ok(shared.missing.get_or_init(|| missing).len());
        }
        Ok(0)
    });
    if let Ok(missing @ 1..) = looked.await
        && server.shelf.current().generation == opened.generation
    {
        server.changes.send_replace((opened.generation, missing));
    }
}

/// `GET /api/events`: the generation at once and when the library was read anew, and the number of missing files when it is
/// known.
pub(super) async fn events(State(server): State<Shared>) -> Answer {
    let (sender, pieces) = mpsc::channel::<Result<Bytes>>(1);
    let mut changes = server.changes.subscribe();
    tokio::spawn(async move {
        let mut told = 0;
        loop {
            let (generation, missing) = *changes.borrow_and_update();
            let mut text = String::new();
            if generation != told {
                text = format!("event: library\ndata: {{\"generation\":{generation}}}\n\n");
                told = generation;
            }
            if missing > 0 {
                text += &format!(
                    "event: missing\ndata: {{\"generation\":{generation},\"missing\":{missing}}}\n\n"
                );
            }
            loop {
                if sender.send(Ok(text.into())).await.is_err() {
                    return;
                }
                match tokio::time::timeout(HEARTBEAT, changes.changed()).await {
                    Ok(Ok(())) => break,
                    Ok(Err(_)) => return,
                    Err(_) => text = ":\n\n".to_owned(),
                }
            }
        }
    });
    Ok(Reply::of(
        "text/event-stream",
        Body::from_stream(Pieces(pieces)),
    ))
}
