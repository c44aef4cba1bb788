/**
 * Certificates for tests, made by the openssl command when they are needed: a small CA and leaves that are right, expired,
 * for another host, or signed by somebody else. Nothing secret is ever stored in the repository.
 */
import { execFile } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";

const run = promisify(execFile);

const EXTENSIONS = `
[ca]
basicConstraints=critical,CA:TRUE
keyUsage=critical,keyCertSign,cRLSign
[local]
subjectAltName=DNS:localhost,IP:127.0.0.1
[elsewhere]
subjectAltName=DNS:redis.elsewhere.example
[client]
extendedKeyUsage=clientAuth
`;

/**
 * @typedef {object} KeyPair Paths of PEM files; what `startRedis({ tls })` takes.
 * @property {string} cert
 * @property {string} key
 * @property {string} ca certificate of the authority that signed it
 *
 * @typedef {Awaited<ReturnType<typeof makeCertificates>>} Certificates
 */

/** Makes a CA and its leaves in a temporary folder, by the openssl command. Takes a fraction of a second. */
export async function makeCertificates() {
  const dir = mkdtempSync(join(tmpdir(), "lab-tls-"));
  const openssl = (/** @type {string[]} */ ...args) => run("openssl", args, { cwd: dir });
  writeFileSync(join(dir, "ext.cnf"), EXTENSIONS);

  /** @param {string} name @param {string} subject */
  async function request(name, subject) {
    const key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout", `${name}.key`];
    await openssl("req", "-new", ...key, "-out", `${name}.csr`, "-subj", `/CN=${subject}`);
  }
  /** @param {string} name @param {string} subject */
  async function authority(name, subject) {
    await request(name, subject);
    const self = ["-req", "-in", `${name}.csr`, "-key", `${name}.key`, "-days", "30"];
    await openssl("x509", ...self, "-extfile", "ext.cnf", "-extensions", "ca", "-out", `${name}.crt`);
  }
  /**
   * @param {string} name
   * @param {string} subject
   * @param {string} section
   * @param {string[]} when
   * @returns {Promise<KeyPair>}
   */
  async function leaf(name, subject, section, when = ["-days", "30"], issuer = "ca") {
    await request(name, subject);
    await writeSigned(name, section, when, issuer);
    return { cert: join(dir, `${name}.crt`), key: join(dir, `${name}.key`), ca: join(dir, `${issuer}.crt`) };
  }
  /** @param {string} name @param {string} section @param {string[]} when @param {string} issuer */
  async function writeSigned(name, section, when, issuer) {
    // `openssl x509` cannot set a past end date before version 3.4; `openssl ca` always could.
    writeFileSync(join(dir, `${name}.index`), "");
    writeFileSync(
      join(dir, `${name}.cnf`),
      `[ca]\ndefault_ca=lab\n[lab]\ndatabase=${name}.index\nnew_certs_dir=.\nrand_serial=yes\ndefault_md=sha256\npolicy=any\n` +
        "unique_subject=no\n[any]\ncommonName=supplied\n",
    );
    const sign = ["-batch", "-config", `${name}.cnf`, "-cert", `${issuer}.crt`, "-keyfile", `${issuer}.key`];
    const use = ["-extfile", "ext.cnf", "-extensions", section];
    await openssl("ca", ...sign, ...use, ...when, "-in", `${name}.csr`, "-out", `${name}.crt`, "-notext");
  }

  try {
    await Promise.all([authority("ca", "lab CA"), authority("other-ca", "another CA")]);
    const past = ["-startdate", "20200101000000Z", "-enddate", "20200201000000Z"];
    const [valid, expired, wrongHost, client, foreign] = await Promise.all([
      leaf("valid", "localhost", "local"),
      leaf("expired", "localhost", "local", past),
      leaf("wrong-host", "redis.elsewhere.example", "elsewhere"),
      leaf("client", "lab client", "client"),
      leaf("foreign", "localhost", "local", ["-days", "30"], "other-ca"),
    ]);
    const ca = join(dir, "ca.crt");
    const remove = () => rm(dir, { recursive: true, force: true });
    return {
      dir,
      /** Path and text of the CA certificate that clients should trust. */
      ca,
      caPem: readFileSync(ca, "utf8"),
      /** For localhost and 127.0.0.1. */
      valid,
      /** Ended in February 2020. */
      expired,
      /** For redis.elsewhere.example. */
      wrongHost,
      /** For a client that must show a certificate. */
      client,
      /** Right host, but signed by an authority that nobody trusts. */
      foreign,
      remove,
      [Symbol.asyncDispose]: remove,
    };
  } catch (error) {
    rmSync(dir, { recursive: true, force: true });
    throw error;
  }
}
