"""The Kafka broker's jars, fetched once a machine from Maven Central and used by every home directory."""

import fcntl
import os
import shutil
import subprocess
from pathlib import Path
from typing import Final

from penstock.cli.local.errors import DidNotStart, ProgramMissing

KAFKA_VERSION: Final = "4.1.0"
_SLF4J_VERSION: Final = "1.7.36"

_POM: Final = f"""<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>penstock.local</groupId>
  <artifactId>broker</artifactId>
  <version>1</version>
  <dependencies>
    <dependency>
      <groupId>org.apache.kafka</groupId><artifactId>kafka_2.13</artifactId><version>{KAFKA_VERSION}</version>
    </dependency>
    <dependency>
      <groupId>org.apache.kafka</groupId><artifactId>kafka-tools</artifactId><version>{KAFKA_VERSION}</version>
    </dependency>
    <dependency>
      <groupId>org.slf4j</groupId><artifactId>slf4j-simple</artifactId><version>{_SLF4J_VERSION}</version>
    </dependency>
  </dependencies>
</project>
"""


def java() -> str:
    """The Java program. Raises ProgramMissing if there is none, or it is older than Kafka 4 needs (17)."""
    found = shutil.which("java")
    if found is None:
        raise ProgramMissing(
            "Java isn't installed, and the broker needs it: install a JRE of version 17 or later "
            "(and Maven), or export KAFKA_BOOTSTRAP_SERVERS"
        )
    said = subprocess.run([found, "-version"], capture_output=True, text=True).stderr
    version = said.partition('"')[2].partition(".")[0].partition('"')[0]
    if version.isdigit() and int(version) < 17:
        raise ProgramMissing(f"Java is version {version}, the broker needs 17 or later: install a newer JRE")
    return found


def cache_directory() -> Path:
    """Where things are kept that can be fetched again: PENSTOCK_CACHE, or the user's cache directory."""
    chosen = os.environ.get("PENSTOCK_CACHE")
    if chosen:
        return Path(chosen).absolute()
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "penstock"


def are_here() -> bool:
    """Whether the jars were fetched before."""
    return (cache_directory() / f"kafka-{KAFKA_VERSION}").is_dir()


def kafka_jars() -> Path:
    """The folder with the jars, fetched now if it isn't there. One process fetches, others wait for it."""
    cache = cache_directory()
    jars = cache / f"kafka-{KAFKA_VERSION}"
    if jars.is_dir():
        return jars
    cache.mkdir(parents=True, exist_ok=True)
    with (cache / "kafka.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not jars.is_dir():
            _fetch(cache, jars)
    return jars


def _fetch(cache: Path, jars: Path) -> None:
    maven = shutil.which("mvn")
    if maven is None:
        raise ProgramMissing(
            "Maven isn't installed, and fetches the broker: install it, or export KAFKA_BOOTSTRAP_SERVERS"
        )
    work = cache / "kafka.fetching"
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir()
    (work / "pom.xml").write_text(_POM)
    log_file = cache / "kafka-fetch.log"
    with log_file.open("wb") as log:
        done = subprocess.run(
            [maven, "-B", "-q", "dependency:copy-dependencies", f"-DoutputDirectory={work / 'jars'}"],
            cwd=work,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
        )
    if done.returncode != 0:
        raise DidNotStart(
            f"Maven couldn't fetch Kafka {KAFKA_VERSION} (see {log_file}): check the network and type the "
            "command again, or export KAFKA_BOOTSTRAP_SERVERS"
        )
    (work / "jars").rename(jars)
    shutil.rmtree(work, ignore_errors=True)
