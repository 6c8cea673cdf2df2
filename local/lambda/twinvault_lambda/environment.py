"""What a worker process is started with. Pure.

"Using Lambda environment variables" lists what Lambda itself defines; the template's variables come on top of the
unreserved ones and beneath the reserved ones. Nothing of this machine's environment is passed on.
"""

from twinvault_lambda.config import FunctionConfig, ServerConfig

# Nothing listens on the discard port: a service that nobody planned an endpoint for fails at once, never reaching AWS.
DEAD_ENDPOINT = "http://127.0.0.1:9"
VERSION = "$LATEST"


def function_arn(config: ServerConfig, name: str, alias: str | None = None) -> str:
    """The ARN of a function, or of an alias of it."""
    arn = f"arn:aws:lambda:{config.region}:{config.account}:function:{name}"
    return arn if alias is None else f"{arn}:{alias}"


def worker_command(config: ServerConfig, function: FunctionConfig) -> list[str]:
    """The base interpreter without ``site``, so that no site-packages folder and no .pth file is ever looked at.

    Importable are the artifact, the runtime client and the standard library, in the order of Lambda's own sys.path.
    """
    return [
        str(config.python),
        "-S",
        "-B",  # on Lambda the code's folder cannot be written; what the artifact has compiled is used
        *_debugger(function),
        *("-m", "awslambdaric", function.handler),
    ]


def _debugger(function: FunctionConfig) -> tuple[str, ...]:
    """The command line of debugpy; frozen modules would hide lines of the standard library from it."""
    if function.debug is None:
        return ()
    listen = ("-m", "debugpy", "--listen", f"127.0.0.1:{function.debug.port}", "--wait-for-client")
    return ("-X", "frozen_modules=off", *listen)


def worker_environment(
    config: ServerConfig, function: FunctionConfig, *, runtime_api: str, log_stream: str
) -> dict[str, str]:
    """The whole environment of one worker."""
    return {**_unreserved(), **function.environment, **_reserved(config, function), **_closed()} | {
        "AWS_LAMBDA_RUNTIME_API": runtime_api,
        "AWS_LAMBDA_LOG_STREAM_NAME": log_stream,
    }


def _unreserved() -> dict[str, str]:
    return {
        "LANG": "en_US.UTF-8",
        "PATH": "/usr/local/bin:/usr/bin/:/bin:/opt/bin",
        "AWS_XRAY_CONTEXT_MISSING": "LOG_ERROR",
    }


def _reserved(config: ServerConfig, function: FunctionConfig) -> dict[str, str]:
    path = [config.task_root, config.runtime_dir, *([function.debug.folder] if function.debug else [])]
    return {
        "_HANDLER": function.handler,
        "AWS_REGION": config.region,
        "AWS_DEFAULT_REGION": config.region,
        "AWS_EXECUTION_ENV": "AWS_Lambda_python3.13",
        "AWS_LAMBDA_FUNCTION_NAME": function.name,
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(function.memory_mb),
        "AWS_LAMBDA_FUNCTION_VERSION": VERSION,
        "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
        "AWS_LAMBDA_LOG_GROUP_NAME": f"/aws/lambda/{function.name}",
        "AWS_ACCESS_KEY_ID": function.credentials.access_key_id,
        "AWS_SECRET_ACCESS_KEY": function.credentials.secret_access_key,
        "AWS_SESSION_TOKEN": function.credentials.session_token,
        "LAMBDA_TASK_ROOT": str(config.task_root),
        "LAMBDA_RUNTIME_DIR": str(config.runtime_dir),
        "PYTHONPATH": ":".join(map(str, path)),
        "TZ": ":UTC",
    }


def _closed() -> dict[str, str]:
    """What keeps the SDK from this machine's AWS configuration; HOME is a folder that does not exist, as in Lambda."""
    return {
        "AWS_ENDPOINT_URL": DEAD_ENDPOINT,
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_CONFIG_FILE": "/dev/null",
        "AWS_SHARED_CREDENTIALS_FILE": "/dev/null",
        "HOME": "/home/sbx_user1051",
    }
