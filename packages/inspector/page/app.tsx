// The frame of the page: who is here, the three views, and which one the address names.
import { useEffect, useRef } from 'preact/hooks';
import type { SessionReply } from '../src/api-types.js';
import { DoubtsView } from './doubts.js';
import { FindView } from './find.js';
import { useCall, useRoute } from './hooks.js';
import { NowView } from './now.js';
import { RecordPage } from './record.js';
import { Loading, Notice } from './ui.js';

const views = [
  ['now', 'Now'],
  ['find', 'Find'],
  ['doubts', 'Doubts'],
] as const;

export function App() {
  const route = useRoute();
  const { reply: session, error } = useCall<SessionReply>('session', {});
  const [view = '', argument = ''] = (route || 'now').split('/');
  const main = useRef<HTMLElement>(null);
  const isFirst = useRef(true);
  // A screen reader goes on at the view that was chosen.
  useEffect(() => {
    if (!isFirst.current) main.current?.focus();
    isFirst.current = false;
    const title = views.find(([name]) => name === view)?.[1] ?? 'Record';
    document.title = `${title} · onceguard`;
  }, [route]);
  return (
    <>
      <button type="button" class="skip" onClick={() => main.current?.focus()}>
        Skip to the content
      </button>
      <header class="top">
        <a class="brand" href="#/now">
          <svg viewBox="0 0 24 24" aria-hidden="true">
            <path d="M12 2 4 5v6c0 5 3.4 9.400 8 11 4.600-1.600 8-6 8-11V5z" />
            <path class="mark" d="M10 9.500 12.500 7.500V16.500" />
          </svg>
          <span>onceguard</span>
        </a>
        <nav aria-label="Views">
          {views.map(([name, title]) => (
            <a key={name} href={`#/${name}`} {...(view === name && { 'aria-current': 'page' as const })}>
              {title}
            </a>
          ))}
        </nav>
        {session && (
          <p class="session">
            <span class="store">{session.store}</span>
            <span class="visitor" title={`You are ${session.name}`}>
              {session.name}
            </span>
            {session.readOnly && <span class="badge expired">Read only</span>}
          </p>
        )}
      </header>
      <main id="main" ref={main} tabIndex={-1}>
        {error && <Notice kind="error">{error}</Notice>}
        {session === null ? !error && <Loading /> : <View view={view} argument={argument} session={session} />}
      </main>
    </>
  );
}

function View({ view, argument, session }: { view: string; argument: string; session: SessionReply }) {
  switch (view) {
    case 'find':
      return <FindView />;
    case 'doubts':
      return <DoubtsView readOnly={session.readOnly} />;
    case 'record':
      return <RecordPage key={argument} recordName={argument} readOnly={session.readOnly} />;
    default:
      return <NowView />;
  }
}
