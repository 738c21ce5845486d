// User and password of the store's own clients: fixed, or from functions that are asked at every connection.
import { withDeadline } from './deadline.js';

/** A text, or a function that returns the one that is valid now, such as a token of a cloud identity. */
export type Credential = string | (() => string | Promise<string>);

export interface LoginOptions {
  readonly username?: Credential | undefined;
  readonly password?: Credential | undefined;
}

/** A function gave no text in time. */
export class CredentialsError extends Error {}

const credentialTimeoutMs = 10_000;

/** So many passwords are remembered, to be taken out of messages. */
const maxRememberedPasswords = 10;

/**
 * A client reads its options before it connects, and writes AUTH when it has connected. This takes the place of a text that is
 * known only then.
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

  /** Called when a function has failed. Clients of a cluster keep such an error to themselves. */
  onFailure: (error: CredentialsError) => void = () => {};

  constructor(private readonly login: LoginOptions) {}

  /** What is fixed. */
  get staticCredentials(): { readonly username?: string; readonly password?: string } {
    const { username, password } = this.login;
    return {
      ...(typeof username === 'string' && { username }),
      ...(typeof password === 'string' && { password }),
    };
  }

  /** Prepares the options of one connection, in which its client looks for user and password. The answer has to be called, and awaited, before each time that it connects. */
  prepareOptions(options: object): () => Promise<void> {
    const username = this.#installLazyCredential('username', options);
    const password = this.#installLazyCredential('password', options);
    return async () => {
      try {
        await username();
        this.#rememberPassword(await password());
      } catch (error) {
        if (error instanceof CredentialsError) this.onFailure(error);
        throw error;
      }
    };
  }

  #installLazyCredential(name: 'username' | 'password', options: object): () => Promise<string | null> {
    const credential = this.login[name];
    if (typeof credential !== 'function') return async () => null;
    const late = new LazyCredential();
    Reflect.set(options, name, late);
    return async () => {
      late.value = await requestCredential(name, credential);
      return late.value;
    };
  }

  #rememberPassword(password: string | null): void {
    if (password === null || this.issuedPasswords.includes(password)) return;
    if (this.issuedPasswords.push(password) > maxRememberedPasswords) this.issuedPasswords.shift();
  }
}

async function requestCredential(name: string, credential: () => string | Promise<string>): Promise<string> {
  const silence = () => `it returned nothing within ${credentialTimeoutMs} ms`;
  const answer: unknown = await withDeadline(credentialTimeoutMs, silence, async () => await credential()).catch(
    (error: unknown) => {
      throw new CredentialsError(
        `The function ${name} failed: ${error instanceof Error ? error.message : String(error)}`,
      );
    },
  );
  if (typeof answer === 'string' && answer !== '') return answer;
  throw new CredentialsError(`The function ${name} failed: it must return a text that is not empty`);
}
