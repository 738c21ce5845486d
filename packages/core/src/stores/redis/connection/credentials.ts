// User and password of the store's own clients: fixed texts, or functions that are called for every connection.
import { withDeadline } from '../../deadline.js';

/** A text, or a function that returns the currently valid text, such as a token of a cloud identity. */
export type Credential = string | (() => string | Promise<string>);

export interface LoginOptions {
  readonly username?: Credential | undefined;
  readonly password?: Credential | undefined;
}

/** A credential function failed, or returned no text in time. */
export class CredentialsError extends Error {}

const credentialTimeoutMs = 10_000;

/** How many of the latest passwords are remembered, so that they can be redacted from messages. */
const maxRememberedPasswords = 10;

/**
 * Stands in a client's options for a text that is not known yet. A client reads its options before it connects, and converts
 * the credential to text when it sends AUTH.
 */
class LazyCredential {
  value = '';

  toString(): string {
    return this.value;
  }
}

export class Credentials {
  /** The passwords that functions have returned, newest last. */
  readonly issuedPasswords: string[] = [];

  /** Called when a function has failed. A cluster client does not emit such an error itself. */
  onFailure: (error: CredentialsError) => void = () => {};

  constructor(private readonly login: LoginOptions) {}

  /** The credentials that are fixed texts. */
  get staticCredentials(): { readonly username?: string; readonly password?: string } {
    const { username, password } = this.login;
    return {
      ...(typeof username === 'string' && { username }),
      ...(typeof password === 'string' && { password }),
    };
  }

  /**
   * Prepares the client options of one connection for credentials from functions. The caller awaits the returned function
   * before each connection attempt.
   */
  prepareOptions(options: object): () => Promise<void> {
    const requestUsername = this.#installLazyCredential('username', options);
    const requestPassword = this.#installLazyCredential('password', options);
    return async () => {
      try {
        await requestUsername();
        this.#rememberPassword(await requestPassword());
      } catch (error) {
        if (error instanceof CredentialsError) this.onFailure(error);
        throw error;
      }
    };
  }

  #installLazyCredential(name: 'username' | 'password', options: object): () => Promise<string | null> {
    const credential = this.login[name];
    if (typeof credential !== 'function') return async () => null;
    const lazy = new LazyCredential();
    Reflect.set(options, name, lazy);
    return async () => {
      lazy.value = await requestCredential(name, credential);
      return lazy.value;
    };
  }

  #rememberPassword(password: string | null): void {
    if (password === null || this.issuedPasswords.includes(password)) return;
    if (this.issuedPasswords.push(password) > maxRememberedPasswords) this.issuedPasswords.shift();
  }
}

async function requestCredential(name: string, credential: () => string | Promise<string>): Promise<string> {
  const timeoutMessage = () => `it returned nothing within ${credentialTimeoutMs} ms`;
  const value: unknown = await withDeadline(credentialTimeoutMs, timeoutMessage, async () => await credential()).catch(
    (error: unknown) => {
      throw new CredentialsError(
        `The function ${name} failed: ${error instanceof Error ? error.message : String(error)}`,
      );
    },
  );
  if (typeof value === 'string' && value !== '') return value;
  throw new CredentialsError(`The function ${name} failed: it must return a text that is not empty`);
}
