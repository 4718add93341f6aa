//! The local page and its API: an HTTP server for one library, feature `serve`.
//!
//! [`serve`] runs it. `guard` decides who is answered, `shelf` keeps the library open and follows it on the disk, and one module
//! for each kind of answer makes it: `songs`, `audio`, `query`, `faces`, `files`. `web/openapi.json` describes them all.
//!
//! One thread moves bytes; everything that reads, decodes or computes runs on a bounded pool of other threads, in pieces of some
//! milliseconds, so that a paused player holds none.

mod answer;
mod audio;
mod faces;
mod files;
mod guard;
mod query;
mod shelf;
mod songs;
mod wav;

pub(crate) use guard::{Access, random_token};

use crate::{
    error::{Context as _, Error, ErrorKind, Result},
    library::PathMap,
    model::Model,
};
use answer::{Failure, Reply};
use axum::{
    Router,
    extract::{Request, State},
    http::{HeaderValue, Method, StatusCode, header},
    middleware::{self, Next},
    response::{IntoResponse as _, Response},
    routing::MethodFilter,
};
use faces::FaceThread;
use shelf::{News, Shelf};
use std::{
    net::TcpListener,
    path::PathBuf,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};
use tokio::sync::{Semaphore, watch};

/// Threads for work that blocks.
const WORKERS: usize = 8;
/// How often the program looks whether it was asked to end.
const TICK: Duration = Duration::from_millis(100);
/// How often it looks whether the files of the library changed.
const LOOK: Duration = Duration::from_secs(1);
/// Pictures that are received at once, which bounds the memory.
const PICTURES: usize = 4;

/// What is served, and to whom.
pub(crate) struct ServeOptions {
    /// Library files, or directories of them.
    pub libraries: Vec<PathBuf>,
    /// The renamings of the songs' paths.
    pub paths: PathMap,
    /// Who is answered.
    pub access: Access,
    /// Loads the model for timelines that the library lacks.
    pub load_model: Box<dyn Fn() -> Result<Model> + Send + Sync>,
}

/// What the handlers share.
struct Server {
    shelf: Shelf,
    faces: FaceThread,
    access: Access,
    load_model: Box<dyn Fn() -> Result<Model> + Send + Sync>,
    /// The model, once a timeline needed it.
    model: Mutex<Option<Arc<Model>>>,
    pictures: Semaphore,
    /// The state of the library, for those who wait for the next one.
    changes: watch::Sender<News>,
}

impl Server {
    fn model(&self) -> Result<Arc<Model>> {
        let mut model = self.model.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(model) = &*model {
            return Ok(model.clone());
        }
        let loaded = Arc::new((self.load_model)()?);
        Ok(model.insert(loaded).clone())
    }
}

type Shared = Arc<Server>;

/// The routes of the API, each with its handler: the router, and the list that the description is compared with.
macro_rules! api {
    ($($method:ident $path:literal $handler:path,)*) => {
        #[cfg(test)]
        const ROUTES: &[(&str, &str)] = &[$((stringify!($method), $path)),*];

        fn api() -> Router<Shared> {
            Router::new()$(.route($path, axum::routing::on(MethodFilter::$method, $handler)))*
        }
    };
}

api! {
    GET "/api/library" songs::library,
    GET "/api/songs" songs::columns,
    GET "/api/songs/{row}" songs::song,
    GET "/api/songs/{row}/audio" audio::audio,
    GET "/api/songs/{row}/timeline" songs::timeline,
    POST "/api/query" query::query,
    POST "/api/face" faces::face,
    POST "/api/observations" faces::observations,
    POST "/api/playlists" songs::playlists,
    GET "/api/events" shelf::events,
    GET "/api/openapi.json" files::openapi,
}

/// Serves until `stop` is set, and ends within a second then, whatever is still being sent.
///
/// # Errors
/// [`ErrorKind::Io`] if the listener cannot be used.
pub(crate) fn serve(listener: TcpListener, options: ServeOptions, stop: &AtomicBool) -> Result<()> {
    let unusable = "cannot serve on this address";
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .max_blocking_threads(WORKERS)
        .build()
        .context(ErrorKind::Io, unusable)?;
    let shelf = Shelf::open(options.libraries, options.paths);
    let server = Arc::new(Server {
        changes: watch::Sender::new((shelf.current().generation, 0)),
        shelf,
        faces: FaceThread::default(),
        access: options.access,
        load_model: options.load_model,
        model: Mutex::new(None),
        pictures: Semaphore::new(PICTURES),
    });
    runtime.block_on(async {
        listener
            .set_nonblocking(true)
            .context(ErrorKind::Io, unusable)?;
        let listener = tokio::net::TcpListener::from_std(listener);
        let listener = listener.context(ErrorKind::Io, unusable)?;
        tokio::spawn(shelf::follow(server.clone()));
        let routes = router(server);
        tokio::spawn(async move { axum::serve(listener, routes).await });
        while !stop.load(Ordering::Relaxed) {
            tokio::time::sleep(TICK).await;
        }
        Ok::<(), Error>(())
    })?;
    // Open connections and work that has begun end with the program.
    runtime.shutdown_background();
    Ok(())
}

fn router(server: Shared) -> Router {
    api()
        .fallback(files::file)
        .method_not_allowed_fallback(async || {
            Failure::new(
                StatusCode::METHOD_NOT_ALLOWED,
                "another method is needed here; /api/openapi.json lists them",
            )
        })
        .layer(middleware::from_fn_with_state(server.clone(), check))
        .with_state(server)
}

/// Lets a request pass that may, and puts the headers on every answer that keep other pages out.
async fn check(State(server): State<Shared>, request: Request, next: Next) -> Response {
    let is_get = matches!(*request.method(), Method::GET | Method::HEAD);
    let mut response = match server.access.check(&request) {
        Ok(()) => next.run(request).await,
        Err(failure) => failure.into_response(),
    };
    let headers = response.headers_mut();
    for (name, value) in guard::HEADERS {
        headers.insert(name, HeaderValue::from_static(value));
    }
    if !is_get || !headers.contains_key(header::CACHE_CONTROL) {
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    }
    response
}

/// An answer, or why there is none.
type Answer = std::result::Result<Reply, Failure>;

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn the_description_has_the_routes_of_the_router_and_no_others() {
        let description: serde_json::Value =
            serde_json::from_slice(&files::embedded("/openapi.json").unwrap()).unwrap();
        let mut described = BTreeSet::new();
        for (path, methods) in description["paths"].as_object().unwrap() {
            for method in methods.as_object().unwrap().keys() {
                if method != "parameters" {
                    described.insert((method.to_uppercase(), path.clone()));
                }
            }
        }
        let routes = ROUTES.iter();
        let routes = routes.map(|(method, path)| ((*method).to_owned(), (*path).to_owned()));
        assert_eq!(described, routes.collect());
    }
}
