//! `circumplex serve`: the page in the browser.

use super::{CliError, CliResult, Console, Exit, MappedLibrary, ModelChoice, stop_on_signal};
use crate::serve::{Access, ServeOptions, random_token, serve};
use std::net::{IpAddr, Ipv6Addr, SocketAddr, TcpListener, ToSocketAddrs as _};

/// Open your library as a page in the browser: a map of the songs, questions by mood or face, and a player
#[derive(clap::Args)]
#[command(
    after_help = "The page is at the address that is printed, for this computer alone; Ctrl-C ends it. It follows the library while \
                  `circumplex analyze --watch` fills it. With another --host than this computer, a random token in the printed link \
                  is needed; anybody who has the link can play the music.\n\
                  Pictures of the camera go to this program only, and are not stored.\n\n\
                  Examples:\n  \
                    circumplex serve --open\n  \
                    circumplex serve ~/music.parquet --port 9000\n  \
                    circumplex serve --host 0.0.0.0"
)]
pub(crate) struct Args {
    #[command(flatten)]
    library: MappedLibrary,
    /// Address or name to listen on
    #[arg(long, value_name = "HOST", default_value = "127.0.0.1")]
    host: String,
    /// Port to listen on; 0 finds a free one [default: 8737, or the next free one]
    #[arg(long, value_name = "PORT")]
    port: Option<u16>,
    /// Open the page in the browser
    #[arg(long)]
    open: bool,
    #[command(flatten)]
    model: ModelChoice,
}

/// Without `--port`.
const DEFAULT_PORT: u16 = 8737;
/// Ports that are tried from the default on.
const TRIED: u16 = 20;

pub(crate) fn run(args: Args, console: &Console) -> CliResult {
    let (libraries, paths) = args.library.paths()?;
    // Before the port is taken: it must exist before somebody can ask.
    let stop = stop_on_signal()?;
    let listener = listen(&args.host, args.port)?;
    let address = listener.local_addr()?;
    let token = match address.ip().is_loopback() {
        true => None,
        false => Some(random_token()?),
    };
    let link = link(&args.host, address, token.as_deref());
    console.print(&link)?;
    if address.ip().is_unspecified() {
        console.remark("from other computers: the same link with this computer's name or address");
    }
    if args.open
        && let Err(error) = open::that_detached(&link)
    {
        console.warning(&format!(
            "cannot open the browser: {error}; open {link} yourself"
        ));
    }
    let options = ServeOptions {
        libraries,
        paths,
        access: Access {
            host: args.host,
            token,
        },
        load_model: Box::new(move || args.model.load()),
    };
    serve(listener, options, &stop)?;
    Ok(Exit::Success)
}

fn listen(host: &str, port: Option<u16>) -> Result<TcpListener, CliError> {
    let first = port.unwrap_or(DEFAULT_PORT);
    let tried = match port {
        Some(port) => port..=port,
        None => first..=first + TRIED,
    };
    let mut failure = None;
    for port in tried {
        let addresses = (host, port).to_socket_addrs();
        let addresses: Vec<SocketAddr> = addresses
            .map_err(|error| format!("--host {host}: no address of this computer: {error}"))?
            .collect();
        match TcpListener::bind(addresses.as_slice()) {
            Ok(listener) => return Ok(listener),
            Err(error) => failure = Some(error),
        }
    }
    let reason = failure.map_or_else(String::new, |error| format!(": {error}"));
    bail!(
        "--host {host}: cannot listen on port {first}{reason}; choose another with --port, or --port 0 for a free one"
    )
}

/// The address of the page, as a browser on this computer opens it.
fn link(host: &str, address: SocketAddr, token: Option<&str>) -> String {
    let host = match address.ip() {
        ip if ip.is_unspecified() => "localhost".to_owned(),
        IpAddr::V6(ip) if host.parse::<Ipv6Addr>().is_ok() => format!("[{ip}]"),
        _ => host.to_owned(),
    };
    let port = address.port();
    match token {
        Some(token) => format!("http://{host}:{port}/?token={token}"),
        None => format!("http://{host}:{port}/"),
    }
}
