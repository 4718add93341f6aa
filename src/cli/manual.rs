//! `circumplex completions` and `circumplex man`: generated from the definition of the command line.

use super::{CliError, CliResult, Console, Exit};
use clap_complete::Shell;

/// Print shell completions
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  circumplex completions bash > ~/.local/share/bash-completion/completions/circumplex
  circumplex completions zsh > ~/.zfunc/_circumplex
  circumplex completions fish > ~/.config/fish/completions/circumplex.fish")]
pub(crate) struct CompletionsArgs {
    /// The shell
    shell: Shell,
}

pub(crate) fn completions(
    args: CompletionsArgs,
    mut program: clap::Command,
    console: &Console,
) -> CliResult {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut program, "circumplex", &mut script);
    console.print(&String::from_utf8(script)?)?;
    Ok(Exit::Success)
}

/// Print the manual page of circumplex or of a command, in roff
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  circumplex man > ~/.local/share/man/man1/circumplex.1
  circumplex man query > ~/.local/share/man/man1/circumplex-query.1")]
pub(crate) struct ManArgs {
    /// The command [default: circumplex itself]
    command: Option<String>,
}

pub(crate) fn man(args: ManArgs, mut program: clap::Command, console: &Console) -> CliResult {
    program.build();
    let page = match &args.command {
        None => program,
        Some(name) => {
            // Built, it is called `circumplex-query`, as git's pages are.
            let command = program.find_subcommand(name).ok_or_else(|| -> CliError {
                format!("no command {name:?}; `circumplex --help` lists the commands").into()
            })?;
            command.clone()
        }
    };
    let mut roff = Vec::new();
    clap_mangen::Man::new(page).render(&mut roff)?;
    console.print(&String::from_utf8(roff)?)?;
    Ok(Exit::Success)
}
