//! The files of the page, which are inside the program.

use super::{
    Answer,
    answer::{Failure, Reply},
};
use axum::{
    extract::Request,
    http::{Method, StatusCode, header},
};
use std::borrow::Cow;

// `FILES`: the path of each file of web/ with its content.
include!(concat!(env!("OUT_DIR"), "/web_files.rs"));

/// The content of a file. In a development build it is read anew from web/, so that a change shows without another build.
pub(super) fn embedded(path: &str) -> Option<Cow<'static, [u8]>> {
    let (_, bytes) = FILES.iter().find(|(name, _)| *name == path)?;
    #[cfg(debug_assertions)]
    if let Ok(bytes) = std::fs::read(format!("{}/web{path}", env!("CARGO_MANIFEST_DIR"))) {
        return Some(bytes.into());
    }
    Some((*bytes).into())
}

pub(super) async fn openapi() -> Answer {
    file_at("/openapi.json")
}

pub(super) async fn file(request: Request) -> Answer {
    let path = request.uri().path();
    if path.starts_with("/api/") {
        return Err(Failure::new(
            StatusCode::NOT_FOUND,
            format!("there is no {path}; /api/openapi.json lists what there is"),
        ));
    }
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        let message = "the files of the page can only be read: use GET";
        return Err(Failure::new(StatusCode::METHOD_NOT_ALLOWED, message));
    }
    file_at(if path == "/" { "/index.html" } else { path })
}

fn file_at(path: &str) -> Answer {
    let bytes = embedded(path).ok_or_else(|| {
        let message = format!("there is no {path}; the page is at /");
        Failure::new(StatusCode::NOT_FOUND, message)
    })?;
    let (_, extension) = path.rsplit_once('.').unwrap_or_default();
    let content_type = match extension {
        "html" => "text/html; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "js" | "mjs" => "text/javascript; charset=utf-8",
        "json" => "application/json",
        "webmanifest" => "application/manifest+json",
        "svg" => "image/svg+xml",
        "png" => "image/png",
        "ico" => "image/x-icon",
        "woff2" => "font/woff2",
        "wasm" => "application/wasm",
        _ => "text/plain; charset=utf-8",
    };
    Ok(Reply::of(content_type, bytes.into_owned()).with(header::CACHE_CONTROL, "no-cache"))
}
